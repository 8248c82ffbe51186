package io.flux.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.websocketx.Utf8FrameValidator;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Answers a request whose body has no clear end with 400, and closes its connection: what follows on it may be a request
 * that is smuggled past a proxy. Vert.x does so for a request's head; when a chunk is malformed it closes without an
 * answer, and writes a stack trace into the log; and it reads transfer codings other than chunked as if they were not there.
 *
 * <p>Of a connection that becomes a WebSocket, the texts must be UTF-8 from then on.
 *
 * <p>One for each connection, on its event loop.
 */
final class MalformedBodies extends ChannelDuplexHandler {
    /** Vert.x' own, which is the last. */
    private static final String HANDLER = "handler";

    private int requests;
    private int begun;
    private int ended;
    private boolean refused;

    /** Watches a connection from its beginning. */
    static void watch(HttpConnection connection) {
        ChannelPipeline pipeline = ((ConnectionBase) connection).channel().pipeline();
        pipeline.addBefore(HANDLER, "malformed-bodies", new MalformedBodies());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (refused) {
            ReferenceCountUtil.release(message);
            return;
        }
        if (message instanceof HttpRequest request) {
            requests++;
            if (request.decoderResult().isSuccess() && hasUnknownCoding(request)) {
                refuse(context, message);
                return;
            }
        } else if (message instanceof HttpContent content && isMalformed(content)) {
            refuse(context, message);
            return;
        }
        context.fireChannelRead(message);
    }

    private static boolean isMalformed(HttpObject part) {
        return !part.decoderResult().isSuccess();
    }

    private static boolean hasUnknownCoding(HttpRequest request) {
        List<String> codings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
        return codings.size() > 1
                || codings.size() == 1 && !codings.get(0).strip().equalsIgnoreCase(HttpHeaderValues.CHUNKED.toString());
    }

    private void refuse(ChannelHandlerContext context, Object message) {
        ReferenceCountUtil.release(message);
        refused = true;
        if (begun == requests - 1 && ended == begun) {
            context.writeAndFlush(answer()).addListener(ChannelFutureListener.CLOSE);
        } else {
            context.close(); // an answer to an earlier request is on its way, or to this one already
        }
    }

    private static FullHttpResponse answer() {
        byte[] body = HttpErrors.body(null, HttpResponseStatus.BAD_REQUEST.code(), "the request's body is malformed")
                .getBytes(StandardCharsets.UTF_8);
        FullHttpResponse answer = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.BAD_REQUEST, Unpooled.wrappedBuffer(body));
        answer.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        return answer;
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse response
                && response.status().codeClass() != HttpStatusClass.INFORMATIONAL) {
            begun++;
        }
        if (message instanceof LastHttpContent
                && !(message instanceof HttpResponse response
                        && response.status().codeClass() == HttpStatusClass.INFORMATIONAL)) {
            ended++;
        }
        context.write(message, promise);
        if (message instanceof HttpResponse response
                && response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS)) {
            // Vert.x puts question marks where a text is no UTF-8: now such a text ends the connection (1007).
            context.pipeline().replace(this, "utf-8", new Utf8FrameValidator());
        }
    }
}
