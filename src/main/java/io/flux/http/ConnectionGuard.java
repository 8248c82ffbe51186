package io.flux.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.ReferenceCountUtil;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Bounds what one client can take: time to send a request, memory for what it has sent, requests that wait for their turn,
 * and what it does not read.
 *
 * <pre>
 *   accept ─▶ HEAD ──first byte──▶ HEAD' ──head──▶ BODY ──end──▶ ANSWER ──end of the response──▶ HEAD (idle)
 *             │idle, or request for the first       │request       │no deadline               │101
 *             ▼                 ▼ 408               ▼ 408                                     ▼
 *           closed           closed              closed                                   WebSocket
 * </pre>
 *
 * <p>A request that comes before the response to the one before it has ended (pipelining) is held here, and reading stops
 * while several are held or the client does not read. On a WebSocket each message has the deadline of a request.
 *
 * <p>Used on the connection's event loop; only {@link #look} and {@link #giveUp} are called from elsewhere.
 */
final class ConnectionGuard extends ChannelDuplexHandler implements InputBudget.Incomplete {
    /** Requests that may be held before reading stops. */
    static final int PIPELINED = 16;
    /** What one network read brings beyond that is held too, up to here; then the connection ends after those held. */
    private static final int PIPELINED_AT_MOST = 64;

    private static final long PIPELINED_BYTES = 64 * 1024;
    private static final long RETRY_AFTER_MS = 1000;
    private static final int TRY_AGAIN_LATER = 1013;
    private static final int POLICY_VIOLATION = 1008;
    /** How long a client may take to answer a close frame. */
    private static final Duration CLOSING = Duration.ofSeconds(15);

    private final Connections connections;
    private final InputBudget budget;
    private ChannelHandlerContext context;

    private boolean webSocket;
    private boolean closing;

    /** What is held of later requests, in order. */
    private final Deque<Object> held = new ArrayDeque<>();

    private int heldRequests;
    private long heldBytes;
    private boolean endsAfterHeld;
    private boolean paused;

    /** The path of the request that is being answered. */
    private String path = "/";

    private boolean answering;
    private boolean responseBegun;
    /** Whether the end of the request that was received last is still to come. */
    private boolean receiving;

    private boolean idle = true;
    private long bodyBytes;

    /** Of a WebSocket: bytes of the frame that is being received, and of the message's frames before it. */
    private long frameBytes;

    private long fragmentBytes;

    /** On {@link System#nanoTime}; 0 for none. */
    private volatile long deadline;

    private volatile boolean closeSent;

    /** What stands first in the buffer of what the client is to read, how much of it is written, and since when. */
    private volatile Object unreadItem;

    private long unreadProgress;
    private long unreadSince;

    ConnectionGuard(Connections connections) {
        this.connections = connections;
        this.budget = connections.budget();
    }

    /** @param pipeline as Vert.x has made it for HTTP/1.1 */
    void install(ChannelPipeline pipeline) {
        if (pipeline.get("httpDecoder") == null) {
            return; // HTTP/2: not offered
        }
        pipeline.addBefore("httpDecoder", "flux-intake", new Intake());
        pipeline.addBefore("handler", "flux-guard", this);
    }

    /** Sees bytes before they are decoded. */
    private final class Intake extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext intake, Object message) {
            if (message instanceof ByteBuf bytes && !received(bytes.readableBytes())) {
                bytes.release();
                return;
            }
            intake.fireChannelRead(message);
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
        deadline = after(connections.limits().request());
        connections.add(this);
        if (!added.channel().isActive()) {
            gone();
        }
    }

    /** Bytes have come; false when they are not taken. */
    private boolean received(int bytes) {
        if (closing) {
            return false;
        }
        if (webSocket) {
            if (frameBytes == 0 && fragmentBytes == 0) {
                deadline = after(connections.limits().request());
                budget.begin(this);
            }
            frameBytes += bytes;
            if (!budget.add(bytes, this)) {
                reject();
                return false;
            }
        } else if (idle) {
            idle = false;
            deadline = Math.min(deadline, after(connections.limits().request()));
        }
        return true;
    }

    @Override
    public void channelRead(ChannelHandlerContext ignored, Object message) {
        if (closing) {
            ReferenceCountUtil.release(message);
        } else if (webSocket) {
            if (message instanceof WebSocketFrame frame) {
                frame(frame);
            } else {
                context.fireChannelRead(message);
            }
        } else {
            http(message);
        }
    }

    private void http(Object message) {
        if (endsAfterHeld) {
            ReferenceCountUtil.release(message);
            return;
        }
        boolean begins = message instanceof HttpRequest;
        boolean ends = message instanceof LastHttpContent;
        long bytes = message instanceof HttpContent content ? content.content().readableBytes() : 0;
        if (begins) {
            receiving = true;
            deadline = after(connections.limits().request());
        }
        if (ends) {
            receiving = false;
            budget.end(this);
        }
        boolean hold =
                !held.isEmpty() || begins && (answering || !context.channel().isWritable());
        // A response that has begun before the request has ended is an error: what comes now is thrown away.
        boolean counts = bytes > 0 && (hold || answering && !responseBegun);
        if (counts) {
            if (!ends) {
                budget.begin(this);
            }
            if (!budget.add(bytes, this)) {
                budget.remove(bytes);
                ReferenceCountUtil.release(message);
                reject();
                return;
            }
        }
        if (hold) {
            heldRequests += begins ? 1 : 0;
            heldBytes += bytes;
            held.add(message);
            if (heldRequests > PIPELINED_AT_MOST) {
                endsAfterHeld = true;
                deadline = 0;
            }
            if (heldRequests >= PIPELINED || heldBytes > PIPELINED_BYTES) {
                pause(true);
            }
        } else {
            pass(message, counts ? bytes : 0);
        }
        if (ends && !webSocket && !closing) {
            // It may have been answered before its end.
            deadline = answering || !held.isEmpty()
                    ? 0
                    : after(connections.limits().idle());
        }
    }

    private void pass(Object message, long bytes) {
        bodyBytes += bytes;
        if (message instanceof HttpRequest request) {
            int query = request.uri().indexOf('?');
            path = query < 0 ? request.uri() : request.uri().substring(0, query);
            answering = true;
            responseBegun = false;
        }
        context.fireChannelRead(message);
    }

    /** Hands on what is held of the next request, when its turn has come. */
    private void next() {
        while (!held.isEmpty() && !answering && !closing && context.channel().isWritable()) {
            boolean ended = false;
            while (!held.isEmpty() && !ended) {
                Object message = held.poll();
                long bytes = message instanceof HttpContent content
                        ? content.content().readableBytes()
                        : 0;
                heldBytes -= bytes;
                heldRequests -= message instanceof HttpRequest ? 1 : 0;
                ended = message instanceof LastHttpContent;
                pass(message, bytes);
            }
            context.fireChannelReadComplete();
        }
        if (held.isEmpty() && !answering && endsAfterHeld) {
            context.close();
        } else if (heldRequests < PIPELINED
                && heldBytes <= PIPELINED_BYTES
                && context.channel().isWritable()) {
            pause(false);
        }
    }

    /** Vert.x stops reading too, on a WebSocket: here only what this class has stopped begins again. */
    private void pause(boolean stop) {
        if (paused != stop) {
            paused = stop;
            if (receiving && !stop) {
                deadline = after(connections.limits().request());
            }
            context.channel().config().setAutoRead(!stop);
        }
    }

    @Override
    public void write(ChannelHandlerContext ignored, Object message, ChannelPromise promise) {
        if (closing && !(message instanceof ByteBuf)) {
            // This connection has had its last word.
            ReferenceCountUtil.release(message);
            promise.tryFailure(new ClosedChannelException());
            return;
        }
        if (!webSocket && message instanceof HttpResponse response) {
            if (response.status().code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
                upgraded();
            } else if (response.status().code() >= HttpResponseStatus.OK.code()) {
                responseBegun = true;
            }
        } else if (message instanceof CloseWebSocketFrame) {
            closeSent = true;
            deadline = after(CLOSING);
        }
        boolean ends = !webSocket && responseBegun && message instanceof LastHttpContent;
        context.write(message, promise);
        if (ends) {
            answered();
        }
    }

    private void answered() {
        answering = false;
        responseBegun = false;
        processed();
        idle = true;
        if (!receiving && held.isEmpty()) {
            deadline = after(connections.limits().idle());
        }
        // Vert.x is still about to end the request that this response belongs to.
        context.executor().execute(this::next);
    }

    /** The body of the request is not held any more; harmless to repeat. On the event loop. */
    void processed() {
        budget.remove(bodyBytes);
        bodyBytes = 0;
    }

    private void upgraded() {
        processed();
        webSocket = true;
        answering = false;
        deadline = 0;
        pause(false);
    }

    private void frame(WebSocketFrame frame) {
        int payload = frame.content().readableBytes();
        // Two bytes, the mask, and the length's own where it is long: Netty takes no other form.
        long size = Math.min(frameBytes, payload + 6L + (payload > 0xFFFF ? 8 : payload > 125 ? 2 : 0));
        frameBytes -= size;
        budget.remove(size);
        boolean control = frame instanceof PingWebSocketFrame
                || frame instanceof PongWebSocketFrame
                || frame instanceof CloseWebSocketFrame;
        if (!control) {
            budget.remove(fragmentBytes);
            fragmentBytes = frame.isFinalFragment() ? 0 : fragmentBytes + payload;
            if (fragmentBytes > 0) {
                budget.add(fragmentBytes, this);
            }
        }
        if (fragmentBytes == 0) {
            budget.end(this);
            if (frameBytes > 0) {
                budget.begin(this);
            }
            if (!closeSent) {
                deadline = frameBytes == 0 ? 0 : after(connections.limits().request());
            }
        }
        if (frame instanceof PingWebSocketFrame && !context.channel().isWritable()) {
            frame.release(); // its answer would only be one more that is not read
            return;
        }
        context.fireChannelRead(frame);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ignored) {
        context.fireChannelWritabilityChanged();
        if (!webSocket && !closing && context.channel().isWritable()) {
            next();
        }
    }

    @Override
    @SuppressWarnings("deprecation") // not so for inbound handlers
    public void exceptionCaught(ChannelHandlerContext ignored, Throwable cause) {
        if (cause instanceof CorruptedWebSocketFrameException corrupted && !closing) {
            last(new CloseWebSocketFrame(
                    corrupted.closeStatus().code(), corrupted.closeStatus().reasonText()));
        } else {
            context.fireExceptionCaught(cause);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ignored) {
        gone();
        context.fireChannelInactive();
    }

    private void gone() {
        closing = true;
        connections.remove(this);
        release();
    }

    /** Nothing that the client has sent is kept any more. */
    private void release() {
        budget.end(this);
        budget.remove(bodyBytes + heldBytes + frameBytes + fragmentBytes);
        bodyBytes = 0;
        heldBytes = 0;
        frameBytes = 0;
        fragmentBytes = 0;
        held.forEach(ReferenceCountUtil::release);
        held.clear();
    }

    @Override
    public long giveUp() {
        long bytes = bodyBytes + heldBytes + frameBytes + fragmentBytes;
        if (context.executor().inEventLoop()) {
            reject();
        } else {
            context.executor().execute(this::reject);
        }
        return bytes;
    }

    /** There is no room for what it sends. */
    private void reject() {
        if (closing) {
            return;
        }
        if (webSocket) {
            last(new CloseWebSocketFrame(TRY_AGAIN_LATER, "too much is being received"));
        } else {
            error(
                    HttpResponseStatus.SERVICE_UNAVAILABLE,
                    "unavailable",
                    "too many requests are being received; try again later",
                    RETRY_AFTER_MS);
        }
    }

    private void error(HttpResponseStatus status, String code, String message, Long retryAfterMs) {
        boolean awaited = answering ? receiving && !responseBegun : !receiving;
        if (!awaited || !held.isEmpty()) {
            last(Unpooled.EMPTY_BUFFER); // it has been answered, or another request is to be answered first
            return;
        }
        byte[] body =
                ErrorText.of(path, status.code(), code, message, retryAfterMs).getBytes(StandardCharsets.UTF_8);
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(body));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "application/json")
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
                .set(HttpHeaderNames.CONNECTION, "close");
        if (retryAfterMs != null) {
            response.headers().set(HttpHeaderNames.RETRY_AFTER, Math.max(1, retryAfterMs / 1000));
        }
        last(response);
    }

    /** Writes a last word, if it can be written, and closes. */
    private void last(Object message) {
        closing = true;
        deadline = after(CLOSING);
        release();
        // From here on the way out: Vert.x would say its own goodbye, and wait for an answer to it.
        context.writeAndFlush(message).addListener(written -> context.close());
        if (!context.channel().isWritable()) {
            context.close();
        }
    }

    /**
     * Ends the connection when its time is over. Called by one thread, again and again.
     *
     * @param now on {@link System#nanoTime}
     */
    void look(long now) {
        long due = deadline;
        Channel channel = context.channel();
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        if (due != 0 && due - now < 0 || unreadItem != null || buffer != null && buffer.totalPendingWriteBytes() > 0) {
            context.executor().execute(() -> check(now));
        }
    }

    private void check(long now) {
        if (!context.channel().isActive()) {
            return;
        }
        if (isUnread(now)) {
            context.close();
        } else if (deadline != 0 && deadline - now < 0) {
            expired();
        }
    }

    private void expired() {
        if (closing || closeSent) {
            context.close();
        } else if (!context.channel().config().isAutoRead()) {
            deadline = after(connections.limits().request()); // the rest cannot come: it is not read
        } else if (webSocket) {
            last(new CloseWebSocketFrame(POLICY_VIOLATION, "the message did not come to its end in time"));
        } else if (idle && !receiving) {
            context.close();
        } else {
            path = receiving ? path : "/";
            error(
                    HttpResponseStatus.REQUEST_TIMEOUT,
                    "invalid_request",
                    "the request did not come to its end within "
                            + connections.limits().request().toMillis() + " ms",
                    null);
        }
    }

    /** Whether the client has read nothing for too long, though there is something to read. */
    private boolean isUnread(long now) {
        ChannelOutboundBuffer buffer = context.channel().unsafe().outboundBuffer();
        Object item = buffer == null ? null : buffer.current();
        if (item == null) {
            unreadItem = null;
            return false;
        }
        long progress = buffer.currentProgress();
        if (item != unreadItem || progress != unreadProgress) {
            unreadItem = item;
            unreadProgress = progress;
            unreadSince = now;
        }
        return now - unreadSince > connections.limits().unread().toNanos();
    }

    private static long after(Duration time) {
        long at = System.nanoTime() + time.toNanos();
        return at == 0 ? 1 : at;
    }
}
