package io.flux;

import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends connections to a Redis that has stopped answering without ending them itself: its machine is gone, or it is frozen.
 * TCP notices the first after a quarter of an hour and the second never, and the client would go on asking a master that a
 * replica has long replaced. A connection that is idle, as that of a subscription may be, is asked for a sign of life.
 *
 * <p>A new connection goes to whoever is the master then. Looks at each connection every two seconds, on its own thread.
 */
final class SilentConnections implements NettyCustomizer {
    private static final Logger LOG = LoggerFactory.getLogger(SilentConnections.class);
    private static final Duration LOOK = Duration.ofSeconds(2);
    /** After which an idle connection is asked. */
    private static final Duration IDLE = Duration.ofSeconds(4);
    /** Longer than any command may take: the blocking pop takes one second, and none more than spring.data.redis.timeout. */
    private static final Duration SILENCE = Duration.ofSeconds(6);

    @Override
    public void afterChannelInitialized(Channel channel) {
        channel.pipeline().addFirst(new Guard());
    }

    /** Sees what is written and read on the wire. */
    private static final class Guard extends ChannelDuplexHandler {
        private Future<?> look;
        private long lastRead;
        /** When something was written that nothing has followed; meaningful while {@code waits}. */
        private long writtenAt;

        private boolean waits;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            lastRead = System.nanoTime();
            look = context.executor()
                    .scheduleAtFixedRate(() -> look(context), LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
            context.fireChannelActive();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (look != null) {
                look.cancel(false);
            }
            context.fireChannelInactive();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            lastRead = System.nanoTime();
            waits = false;
            context.fireChannelRead(message);
        }

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            if (!waits) {
                waits = true;
                writtenAt = System.nanoTime();
            }
            context.write(message, promise);
        }

        private void look(ChannelHandlerContext context) {
            long now = System.nanoTime();
            if (waits && now - writtenAt > SILENCE.toNanos()) {
                LOG.warn(
                        "Redis at {} has stopped answering; connecting anew",
                        context.channel().remoteAddress());
                context.close();
            } else if (!waits && now - lastRead > IDLE.toNanos()) {
                context.channel().writeAndFlush(new Command<>(CommandType.PING, new StatusOutput<>(StringCodec.UTF8)));
            }
        }
    }
}
