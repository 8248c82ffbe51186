package io.flux;

import io.lettuce.core.resource.DefaultEventLoopGroupProvider;
import io.lettuce.core.resource.EventLoopGroupProvider;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Has the Redis client do its network work on the threads that do Vert.x's: what Redis publishes goes out on the thread that read
 * it, where two pools of threads would hand each token over. Waiting on such a thread for an answer of Redis would therefore be
 * waiting for oneself; nobody does, since Vert.x allows no waiting there at all.
 *
 * <p>Where the two cannot share (one has a native transport, the other not) the Redis client has threads of its own.
 */
final class SharedLoops implements EventLoopGroupProvider {
    private final EventLoopGroup loops;
    private final EventLoopGroupProvider own;

    /** @param loops stay the caller's to close, after the Redis client */
    SharedLoops(EventLoopGroup loops) {
        this.loops = loops;
        this.own = new DefaultEventLoopGroupProvider(Runtime.getRuntime().availableProcessors());
    }

    @Override
    public <T extends EventLoopGroup> T allocate(Class<T> type) {
        return type.isInstance(loops) ? type.cast(loops) : own.allocate(type);
    }

    @Override
    public int threadPoolSize() {
        return own.threadPoolSize();
    }

    @Override
    public Future<Boolean> release(EventExecutorGroup group, long quietPeriod, long timeout, TimeUnit unit) {
        return group == loops
                ? ImmediateEventExecutor.INSTANCE.newSucceededFuture(true)
                : own.release(group, quietPeriod, timeout, unit);
    }

    @Override
    public Future<Boolean> shutdown(long quietPeriod, long timeout, TimeUnit unit) {
        return own.shutdown(quietPeriod, timeout, unit);
    }
}
