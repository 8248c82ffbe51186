package io.flux.e2e;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** A network between two processes that a test can break: with a word to both sides, or silently. */
final class TcpProxy implements AutoCloseable {
    private final int target;
    private final int port;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "proxy");
        thread.setDaemon(true);
        return thread;
    });
    private final ServerSocket listener;
    /** The port is kept while nobody gets through: another process could take it. */
    private volatile boolean cutOff;
    /** Open while bytes pass. */
    private volatile CountDownLatch passing = new CountDownLatch(0);

    /** How many bytes may still come from the target. */
    private final AtomicLong budget = new AtomicLong(Long.MAX_VALUE);

    /** @param target a port of this machine */
    TcpProxy(int target) {
        this.target = target;
        listener = listen();
        port = listener.getLocalPort();
    }

    int port() {
        return port;
    }

    private ServerSocket listen() {
        try {
            ServerSocket server = new ServerSocket();
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            threads.execute(() -> accept(server));
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                connect(server.accept());
            } catch (IOException closed) {
                return; // by close
            }
        }
    }

    private void connect(Socket near) {
        Socket far;
        try {
            if (cutOff) {
                near.setSoLinger(true, 0); // a reset, as from where nobody listens
                near.close();
                return;
            }
            far = new Socket(InetAddress.getLoopbackAddress(), target);
        } catch (IOException away) {
            close(near); // as the target would turn it away
            return;
        }
        sockets.add(near);
        sockets.add(far);
        threads.execute(() -> pass(near, far, false));
        threads.execute(() -> pass(far, near, true));
    }

    private void pass(Socket from, Socket to, boolean back) {
        byte[] buffer = new byte[16 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                passing.await();
                long left = back ? budget.getAndAdd(-count) : count;
                out.write(buffer, 0, (int) Math.max(0, Math.min(count, left)));
            }
        } catch (IOException | InterruptedException ended) {
            // one side is gone: so is the other
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    /** Lets so many bytes more come from the target; what comes after them is lost, until {@link #restore}. */
    void passNoMoreThan(long bytes) {
        budget.set(bytes);
    }

    /** Ends every connection and resets each other. */
    void cut() {
        cutOff = true;
        sockets.forEach(TcpProxy::close);
    }

    /** Takes connections again. */
    void restore() {
        budget.set(Long.MAX_VALUE);
        cutOff = false;
    }

    /** Lets nothing pass any more, without a word to anybody. */
    void swallow() {
        passing = new CountDownLatch(1);
    }

    private static void close(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        close(listener);
        cut();
        threads.shutdownNow();
    }
}
