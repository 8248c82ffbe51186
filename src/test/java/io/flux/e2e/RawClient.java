package io.flux.e2e;

import io.flux.docs.ApiContract;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A TCP connection to Flux whose user decides about every byte. */
final class RawClient implements AutoCloseable {
    private static final int PATIENCE_MS = 60_000;
    private static final int TEXT = 1;
    private static final int CLOSE = 8;

    private final Socket socket = new Socket();
    private final InputStream in;

    RawClient(int port) throws IOException {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PATIENCE_MS);
        socket.setSoTimeout(PATIENCE_MS);
        in = new BufferedInputStream(socket.getInputStream());
    }

    void send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    /** Says that nothing more comes, and still listens. */
    void finish() throws IOException {
        socket.shutdownOutput();
    }

    /** Closes without a word: a reset, as of a machine that lost its power. */
    void vanish() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    /** Everything up to the end of the connection. */
    String rest() throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    /** The answer to the one request that was sent. */
    ApiContract.Answer answer(String method, String path) throws IOException {
        String status = line();
        while (status.startsWith("HTTP/1.1 100")) {
            line();
            status = line();
        }
        Map<String, List<String>> headers = new HashMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            String[] parts = line.split(":", 2);
            headers.computeIfAbsent(parts[0], name -> new ArrayList<>()).add(parts[1].strip());
        }
        HttpHeaders head = HttpHeaders.of(headers, (name, value) -> true);
        boolean chunked = head.firstValue("transfer-encoding").isPresent();
        // A server may close before it has read all of a request, and what comes after its answer is a reset then.
        int length = (int) head.firstValueAsLong("content-length").orElse(-1);
        byte[] body = chunked
                ? chunks()
                : method.equals("HEAD") ? new byte[0] : length < 0 ? in.readAllBytes() : in.readNBytes(length);
        return new ApiContract.Answer(
                method, path, Integer.parseInt(status.split(" ")[1]), head, new String(body, StandardCharsets.UTF_8));
    }

    private byte[] chunks() throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
            body.write(in.readNBytes(size));
            line();
        }
        return body.toByteArray();
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the connection ended after: " + line);
            }
            line.append((char) c);
        }
        return line.toString().strip();
    }

    /** Becomes a WebSocket. */
    void upgrade(String key) throws IOException {
        send(("GET /ws/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                        + "Authorization: Bearer " + key + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        String status = line();
        if (!status.contains("101")) {
            throw new IOException("no WebSocket: " + status);
        }
        while (!line().isEmpty()) {
            // its headers
        }
    }

    /** Sends a frame as RFC 6455 has them, masked with zeros. */
    void frame(int opcode, boolean last, byte[] payload) throws IOException {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write((last ? 0x80 : 0) | opcode);
        if (payload.length < 126) {
            frame.write(0x80 | payload.length);
        } else if (payload.length < 65_536) {
            frame.write(0x80 | 126);
            frame.write(payload.length >> 8);
            frame.write(payload.length);
        } else {
            frame.write(0x80 | 127);
            for (int shift = 56; shift >= 0; shift -= 8) {
                frame.write((int) ((long) payload.length >> shift));
            }
        }
        frame.write(new byte[4]);
        frame.write(payload);
        send(frame.toByteArray());
    }

    /** The next text that comes; null when the other side closes. Frames of Flux's are whole and not masked. */
    String text() throws IOException {
        while (true) {
            int opcode = in.read();
            if (opcode < 0) {
                return null;
            }
            long length = in.read();
            for (int more = length == 126 ? 2 : length == 127 ? 8 : 0, i = 0; i < more; i++) {
                length = (i == 0 ? 0 : length << 8) | in.read();
            }
            byte[] payload = in.readNBytes((int) length);
            switch (opcode & 0xf) {
                case TEXT -> {
                    return new String(payload, StandardCharsets.UTF_8);
                }
                case CLOSE -> {
                    return null;
                }
                default -> {
                    // a ping, which need not be answered so soon
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
