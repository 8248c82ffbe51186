package io.flux.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Bytes on a socket, since a client library would correct what an attacker sends. */
final class RawHttp {
    private static final int TIMEOUT_MS = 20_000;
    private static final Pattern STATUS = Pattern.compile("HTTP/\\d\\.\\d (\\d{3}) ");

    private RawHttp() {}

    /** A server with the guards that {@code HttpServing} has on every connection. */
    static HttpServer serve(Vertx vertx, HostGuard.Rule hosts, Router router) throws Exception {
        return vertx.createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false))
                .connectionHandler(MalformedBodies::watch)
                .requestHandler(new HostGuard(hosts, router))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
    }

    /** Sends bytes, says that nothing more comes, and returns all that is answered before the connection ends. */
    static String exchange(int port, byte[] bytes) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(TIMEOUT_MS);
            socket.getOutputStream().write(bytes);
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The same, without saying that nothing more comes: the other side ends the connection, or the test fails. */
    static String untilClosed(int port, String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(TIMEOUT_MS);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The statuses of the answers, in their order. */
    static List<Integer> statuses(String answers) {
        List<Integer> statuses = new ArrayList<>();
        Matcher status = STATUS.matcher(answers);
        while (status.find()) {
            statuses.add(Integer.valueOf(status.group(1)));
        }
        return statuses;
    }

    /** A request with these headers, and an end of the connection after it. */
    static byte[] request(String line, String... headers) {
        StringBuilder request = new StringBuilder(line).append("\r\n");
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        return request.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
