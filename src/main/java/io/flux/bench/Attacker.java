package io.flux.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.Deflater;

/**
 * A client that attacks a gateway again and again, with a pause between, on a thread of its own. What the gateway does with it is
 * not looked at.
 */
final class Attacker implements AutoCloseable {
    /** In the order in which they join in. */
    static final List<String> KINDS = List.of(
            "compressed bomb",
            "foreign Host",
            "half heads",
            "half bodies",
            "WebSocket never read",
            "pipeline never read");

    private static final int TIMEOUT_MS = 5_000;
    private static final long PAUSE_MS = 20;
    /** Sockets that are left open, half of a request in each. */
    private static final int OPEN = 300;

    private static final int BLANKS = 10_000_000;
    private static final int HALF_BODY = 250_000;
    private static final int MESSAGES = 1000;

    private static final byte[] BOMB = frame(0xc1, bomb());

    private final String kind;
    private final int port;
    private final Thread thread;
    private final AtomicLong attacks = new AtomicLong();
    private final Deque<Socket> open = new ConcurrentLinkedDeque<>();
    private volatile boolean closed;

    private Attacker(String kind, int port) {
        this.kind = kind;
        this.port = port;
        this.thread = new Thread(this::run, "attacker " + kind);
        thread.setDaemon(true);
    }

    static Attacker start(String kind, int port) {
        Attacker attacker = new Attacker(kind, port);
        attacker.thread.start();
        return attacker;
    }

    String kind() {
        return kind;
    }

    /** How many attacks there were so far. */
    long attacks() {
        return attacks.get();
    }

    private void run() {
        while (!closed) {
            try {
                attack();
            } catch (IOException e) {
                // It was rejected, or the gateway had no time for it: the next.
            }
            attacks.incrementAndGet();
            try {
                Thread.sleep(PAUSE_MS);
            } catch (InterruptedException e) {
                break;
            }
        }
        while (!open.isEmpty()) {
            close(open.poll());
        }
    }

    private void attack() throws IOException {
        switch (kind) {
            case "compressed bomb" -> {
                try (Socket socket = webSocket("Sec-WebSocket-Extensions: permessage-deflate\r\n")) {
                    socket.getOutputStream().write(BOMB);
                    socket.getInputStream().readAllBytes();
                }
            }
            case "foreign Host" -> {
                try (Socket socket = connect()) {
                    write(socket, "GET /models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
                    socket.getInputStream().readAllBytes();
                }
            }
            case "half heads" -> write(keep(connect()), "GET /models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ");
            case "half bodies" ->
                write(
                        keep(connect()),
                        "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 262000\r\n\r\n"
                                + "x".repeat(HALF_BODY));
            case "WebSocket never read" -> {
                Socket socket = open.isEmpty() ? keep(webSocket("")) : open.peek();
                send(socket, repeat(frame(0x81, "{\"type\":\"models\"}".getBytes(StandardCharsets.US_ASCII))));
            }
            default -> {
                Socket socket = open.isEmpty() ? keep(connect()) : open.peek();
                send(
                        socket,
                        repeat("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
            }
        }
    }

    /** Blocks while nothing more is taken; a socket that was closed is replaced by the next. */
    private void send(Socket socket, byte[] bytes) throws IOException {
        try {
            socket.getOutputStream().write(bytes);
        } catch (IOException e) {
            close(open.poll());
            throw e;
        }
    }

    private static byte[] repeat(byte[] message) {
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        for (int i = 0; i < MESSAGES; i++) {
            many.writeBytes(message);
        }
        return many.toByteArray();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MS);
        socket.setSoTimeout(TIMEOUT_MS);
        return socket;
    }

    private Socket keep(Socket socket) {
        open.add(socket);
        if (open.size() > OPEN) {
            close(open.poll());
        }
        return socket;
    }

    private Socket webSocket(String more) throws IOException {
        Socket socket = connect();
        write(
                socket,
                "GET /ws/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + more
                        + "\r\n");
        InputStream in = socket.getInputStream();
        for (int end = 0; end < 4; ) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("no WebSocket");
            }
            end = next == '\r' || next == '\n' ? end + 1 : 0;
        }
        return socket;
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] bomb() {
        Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION, true);
        try {
            byte[] blanks = new byte[BLANKS];
            byte[] deflated = new byte[BLANKS / 100];
            deflater.setInput(blanks);
            int length = deflater.deflate(deflated, 0, deflated.length, Deflater.SYNC_FLUSH);
            return Arrays.copyOf(deflated, length);
        } finally {
            deflater.end();
        }
    }

    /** As RFC 6455 has it, masked with zeros. */
    private static byte[] frame(int first, byte[] payload) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(first);
        if (payload.length < 126) {
            frame.write(0x80 | payload.length);
        } else {
            frame.write(0x80 | 126);
            frame.write(payload.length >> 8);
            frame.write(payload.length);
        }
        frame.writeBytes(new byte[4]);
        frame.writeBytes(payload);
        return frame.toByteArray();
    }

    private static void close(Socket socket) {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException e) {
            // it is closed then
        }
    }

    /** Ends it; a write that is not taken ends with its socket. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        close(open.peek());
    }
}
