package io.flux.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says that clients cannot be accepted, once until they can again: mostly because no file descriptor is left. Netty waits
 * a second after such a failure and says nothing that is logged here. Used on the acceptor's thread only.
 */
final class AcceptFailures extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(AcceptFailures.class);
    private static final String NAME = "flux-accept-failures";

    /** Without a failure for so long, they are over: one that succeeds in between is no end. */
    private static final long OVER_NANOS = 5_000_000_000L;

    private boolean failing;
    private long failedAt;

    /** @param server the channel that listens; null for none */
    static void watch(Channel server) {
        if (server != null && server.pipeline().get(NAME) == null) {
            // Two loops may both find it missing; the name is taken once.
            server.eventLoop().execute(() -> {
                if (server.pipeline().get(NAME) == null) {
                    server.pipeline().addFirst(NAME, new AcceptFailures());
                }
            });
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        if (failing && System.nanoTime() - failedAt > OVER_NANOS) {
            failing = false;
            LOG.info("connections are accepted again");
        }
        context.fireChannelRead(accepted);
    }

    @Override
    @SuppressWarnings("deprecation") // not so for inbound handlers
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        failedAt = System.nanoTime();
        if (!failing) {
            failing = true;
            LOG.error(
                    "a connection cannot be accepted, trying again each second: {}; ulimit -n says how many files and"
                            + " sockets a process may have open",
                    cause.getMessage());
        }
        context.fireExceptionCaught(cause);
    }
}
