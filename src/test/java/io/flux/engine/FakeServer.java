package io.flux.engine;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that stands for an engine's: real sockets, and answers whose every byte is the test's. */
final class FakeServer implements AutoCloseable {
    /** What came in: the request line and the headers, in lower case, and the body. */
    record Request(String head, String body) {}

    /** Writes an answer. To throw closes the connection. */
    interface Handler {
        void answer(Request request, Answer answer) throws Exception;
    }

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Handler handler;
    final List<Request> requests = new CopyOnWriteArrayList<>();
    final AtomicInteger connections = new AtomicInteger();

    FakeServer(Handler handler) throws IOException {
        this.handler = handler;
        Thread thread = new Thread(this::accept, "fake-server");
        thread.setDaemon(true);
        thread.start();
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort());
    }

    /** How many connections are open; one that the client closed is not, as soon as its handler sees it. */
    int open() {
        return open.size();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                open.add(socket);
                connections.incrementAndGet();
                Thread thread = new Thread(() -> serve(socket), "fake-server-connection");
                thread.setDaemon(true);
                thread.start();
            }
        } catch (IOException closed) {
            open.forEach(FakeServer::close);
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (Request request = read(in); request != null; request = read(in)) {
                requests.add(request);
                handler.answer(request, new Answer(socket.getOutputStream(), in));
            }
        } catch (Exception e) {
            // The connection ends, as the test wants it.
        } finally {
            open.remove(socket);
        }
    }

    private static Request read(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                return null;
            }
            head.write(b);
        }
        String text = head.toString(StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
        int length = text.contains("content-length: ")
                ? Integer.parseInt(text.replaceAll("(?s).*content-length: (\\d+).*", "$1"))
                : 0;
        return new Request(text, new String(in.readNBytes(length), StandardCharsets.UTF_8));
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        open.forEach(FakeServer::close);
    }

    /** The way back to the client. */
    record Answer(OutputStream out, InputStream in) {
        /** The head of an answer that comes in chunks. */
        Answer begin() throws IOException {
            return raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        }

        /** One chunk. */
        Answer chunk(String text) throws IOException {
            return raw(Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n");
        }

        /** One event in a chunk of its own. */
        Answer event(String data) throws IOException {
            return chunk("data: " + data + "\n\n");
        }

        /** The mark of the body's end. */
        Answer end() throws IOException {
            return raw("0\r\n\r\n");
        }

        /** A whole answer with a length. */
        Answer whole(int status, String body) throws IOException {
            return raw("HTTP/1.1 " + status + " Status\r\nContent-Type: application/json\r\nContent-Length: "
                    + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
        }

        Answer raw(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
            return this;
        }

        /** Waits until the client has closed the connection. */
        void awaitGone() throws IOException {
            try {
                while (in.read() >= 0) {
                    // Nobody sends a second request before the first is answered.
                }
            } catch (java.net.SocketException reset) {
                // Gone too.
            }
        }
    }
}
