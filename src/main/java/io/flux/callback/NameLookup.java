package io.flux.callback;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;

/**
 * Looks up names in a bounded time: the JVM's own lookup waits for a name server of anybody's as long as that likes to be
 * waited for, and cannot be interrupted. Its threads are daemons that end when they have nothing to do. Thread-safe.
 */
final class NameLookup implements DnsResolver {
    private static final int MAX_THREADS = 64;
    private static final int IDLE_SECONDS = 10;

    private final AtomicInteger number = new AtomicInteger();
    private final ThreadPoolExecutor threads =
            new ThreadPoolExecutor(0, MAX_THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                Thread thread = new Thread(task, "flux-names-" + number.incrementAndGet());
                thread.setDaemon(true);
                return thread;
            });
    private final DnsResolver system;
    private final Duration timeout;

    NameLookup(Duration timeout) {
        this(SystemDefaultDnsResolver.INSTANCE, timeout);
    }

    NameLookup(DnsResolver system, Duration timeout) {
        this.system = system;
        this.timeout = timeout;
    }

    /** @throws UnknownHostException also when the time is over, or too many lookups are under way */
    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        Future<InetAddress[]> lookup;
        try {
            lookup = threads.submit(() -> system.resolve(host));
        } catch (RejectedExecutionException e) {
            throw new UnknownHostException(host + " was not looked up: " + MAX_THREADS + " lookups are under way");
        }
        try {
            return lookup.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new UnknownHostException(host + " was not found within " + timeout.toSeconds() + " s");
        } catch (ExecutionException e) {
            throw unknown(host, e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnknownHostException(host + " was not looked up: interrupted");
        }
    }

    private static UnknownHostException unknown(String host, Throwable failure) {
        if (failure instanceof UnknownHostException unknown) {
            return unknown;
        }
        UnknownHostException unknown = new UnknownHostException(host);
        unknown.initCause(failure);
        return unknown;
    }

    @Override
    public String resolveCanonicalHostname(String host) throws UnknownHostException {
        return host;
    }
}
