package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real server, and raw sockets that do what no client should. */
@Timeout(60)
class ConnectionGuardTest {
    private static final int LIMIT = 1024 * 1024;
    private static final int PATIENCE_MS = 30_000;

    private Vertx vertx;
    private HttpServer server;
    private final InputBudget budget = new InputBudget(LIMIT);
    private final List<Socket> sockets = new ArrayList<>();
    private final List<HttpServerResponse> streams = new CopyOnWriteArrayList<>();
    private final List<String> messages = new CopyOnWriteArrayList<>();

    @BeforeEach
    void listen() throws Exception {
        vertx = Vertx.vertx();
        Connections connections = new Connections(
                vertx,
                new Connections.Limits(Duration.ofMillis(500), Duration.ofMillis(1000), Duration.ofSeconds(1)),
                budget);
        Router router = Router.router(vertx);
        router.route().failureHandler(context -> {}); // clients that leave
        router.get("/number/:n").handler(context -> context.response().end("<" + context.pathParam("n") + ">"));
        router.get("/large").handler(context -> context.response().end("x".repeat(50_000)));
        router.get("/stream").handler(context -> {
            context.response().setChunked(true).write("begun\n");
            streams.add(context.response());
        });
        router.post("/body").handler(BodyHandler.create(false)).handler(context -> context.response()
                .end("got " + context.body().length()));
        router.route("/ws").handler(context -> context.request().toWebSocket().onSuccess(socket -> {
            MessageFlow flow = new MessageFlow(socket, budget);
            socket.textMessageHandler(text -> {
                messages.add(text);
                assertThat(flow.begin(text.length())).isTrue();
                socket.writeTextMessage("echo " + text);
                flow.end(text.length());
            });
        }));
        server = vertx.createHttpServer(
                        connections.configure(new HttpServerOptions().setPort(0).setHost("127.0.0.1")))
                .connectionHandler(connections::opened)
                .requestHandler(router)
                .listen()
                .toCompletionStage()
                .toCompletableFuture()
                .get(30, TimeUnit.SECONDS);
    }

    /** Whatever happened, nothing of it is counted in the end. */
    @AfterEach
    void nothingIsHeld() throws Exception {
        for (Socket socket : sockets) {
            socket.close();
        }
        await().until(() -> budget.held() == 0);
        vertx.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.actualPort());
        socket.setSoTimeout(PATIENCE_MS);
        sockets.add(socket);
        return socket;
    }

    private Socket send(String text) throws IOException {
        return send(connect(), text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static Socket send(Socket socket, byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
        return socket;
    }

    /** Everything until the server closes. */
    private static String rest(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    private static String until(Socket socket, String end) throws IOException {
        StringBuilder read = new StringBuilder();
        InputStream in = socket.getInputStream();
        while (read.indexOf(end) < 0) {
            int next = in.read();
            assertThat(next).as("the end of the connection after: %s", read).isNotNegative();
            read.append((char) next);
        }
        return read.toString();
    }

    private static String get(String path) {
        return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }

    private static String post(int length, int sent) {
        return "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n" + "x".repeat(sent);
    }

    private Socket webSocket(String more) throws IOException {
        Socket socket = send("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + more + "\r\n");
        assertThat(until(socket, "\r\n\r\n")).contains(" 101 ").doesNotContainIgnoringCase("extensions");
        return socket;
    }

    private static byte[] frame(int first, String payload) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(first);
        if (payload.length() < 126) {
            frame.write(0x80 | payload.length());
        } else {
            frame.write(0x80 | 126);
            frame.write(payload.length() >> 8);
            frame.write(payload.length());
        }
        frame.writeBytes(new byte[4]);
        frame.writeBytes(payload.getBytes(StandardCharsets.ISO_8859_1));
        return frame.toByteArray();
    }

    @Test
    void aConnectionThatSaysNothingIsClosed() throws IOException {
        assertThat(rest(connect())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"G", "GET /number/1 HTTP/1.1\r\nHost: x\r\n", "\r\n"})
    void aRequestWhoseHeadDoesNotEndIsAnsweredWith408AndClosed(String head) throws IOException {
        assertThat(rest(send(head))).startsWith("HTTP/1.1 408 ").contains("did not come to its end");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 40_000})
    void aRequestWhoseBodyDoesNotEndIsAnsweredWith408AndClosed(int sent) throws IOException {
        assertThat(rest(send(post(50_000, sent)))).startsWith("HTTP/1.1 408 ");
    }

    @Test
    void aHeadThatBeginsAfterAnAnswerHasADeadlineToo() throws IOException {
        Socket socket = send(get("/number/1"));
        until(socket, "<1>");
        send(socket, "GET /num".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(rest(socket)).startsWith("HTTP/1.1 408 ");
    }

    @Test
    void anIdleConnectionIsClosedAndAStreamAndAWebSocketAreNot() throws IOException {
        Socket stream = send(get("/stream"));
        until(stream, "begun");
        Socket quiet = webSocket("");
        Socket idle = send(get("/number/1"));
        assertThat(rest(idle)).endsWith("<1>");
        // That took as long as any deadline.
        streams.get(0).end("ended\n");
        until(stream, "ended");
        send(quiet, frame(0x81, "hello"));
        until(quiet, "echo hello");
        // The stream's connection is idle now.
        assertThat(rest(stream)).doesNotContain("408");
    }

    @Test
    void aWebSocketMessageThatDoesNotEndClosesItsSocketAndOneThatComesInPiecesDoesNot() throws IOException {
        Socket pieces = webSocket("");
        send(pieces, frame(0x01, "a"));
        send(pieces, frame(0x89, "ping"));
        byte[] last = frame(0x80, "b");
        send(pieces, new byte[] {last[0]});
        send(pieces, Arrays.copyOfRange(last, 1, last.length));
        until(pieces, "echo ab");
        Socket half = send(webSocket(""), Arrays.copyOf(frame(0x81, "x".repeat(1000)), 300));
        Socket unfinished = send(webSocket(""), frame(0x01, "x"));
        assertThat(rest(half)).contains("did not come to its end");
        assertThat(rest(unfinished)).contains("did not come to its end");
        send(pieces, frame(0x81, "c"));
        until(pieces, "echo c");
        assertThat(messages).containsExactly("ab", "c");
    }

    @Test
    void bodiesAboveTheBoundAreRejectedTheOldestIncompleteFirstAndACompleteOneIsServed() throws IOException {
        List<Socket> half = new ArrayList<>();
        for (int i = 0; i < 3 * LIMIT / 50_000; i++) {
            half.add(send(post(60_000, 50_000)));
            if (i % 10 == 0) {
                assertThat(until(send(post(5_000, 5_000)), "got 5000")).contains(" 200 ");
            }
        }
        assertThat(budget.held()).isLessThanOrEqualTo(LIMIT);
        assertThat(rest(half.get(0)))
                .startsWith("HTTP/1.1 503 ")
                .containsIgnoringCase("retry-after: 1")
                .contains("\"unavailable\"");
    }

    @Test
    void partsOfWebSocketMessagesCountAsBodiesDo() throws IOException {
        List<Socket> half = new ArrayList<>();
        for (int i = 0; i < 3 * LIMIT / 50_000; i++) {
            half.add(send(webSocket(""), Arrays.copyOf(frame(0x81, "x".repeat(60_000)), 50_000)));
        }
        assertThat(budget.held()).isLessThanOrEqualTo(LIMIT);
        assertThat(rest(half.get(0))).contains("too much");
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws IOException {
        Socket socket =
                send(IntStream.range(0, 20).mapToObj(i -> get("/number/" + i)).collect(Collectors.joining()));
        for (int i = 0; i < 20; i++) {
            assertThat(until(socket, ">")).endsWith("<" + i + ">");
        }
    }

    @Test
    void whatIsPipelinedBehindAStreamWaitsForItsEnd() throws IOException {
        Socket socket = send(get("/stream") + post(3, 3) + get("/number/2"));
        until(socket, "begun");
        streams.get(0).end("ended\n");
        until(socket, "ended");
        until(socket, "got 3");
        until(socket, "<2>");
    }

    @Test
    void aFloodOfPipelinedRequestsIsAnsweredInOrderUpToABoundAndClosed() throws IOException {
        Socket socket = send(get("/stream") + get("/number/7").repeat(1000));
        until(socket, "begun");
        streams.get(0).end("ended\n");
        String answers = rest(socket);
        int answered = answers.split("<7>", -1).length - 1;
        assertThat(answered).isBetween(ConnectionGuard.PIPELINED, 999);
        assertThat(answers).endsWith("<7>");
    }

    @Test
    void aClientThatPipelinesAndDoesNotReadIsClosed() throws IOException {
        assertEnds(connect(), get("/large").repeat(100).getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void aWebSocketThatSendsAndDoesNotReadIsNotReadOnAndClosed() throws IOException {
        byte[] frame = frame(0x81, "x".repeat(100));
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        for (int i = 0; i < 1000; i++) {
            many.writeBytes(frame);
        }
        assertEnds(webSocket(""), many.toByteArray());
        // Its buffers, and those of the network, and no more.
        assertThat(messages).hasSizeLessThan(1_000_000);
    }

    @Test
    void aWebSocketThatPingsAndDoesNotReadIsClosed() throws IOException {
        byte[] frame = frame(0x89, "x".repeat(100));
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        for (int i = 0; i < 1000; i++) {
            many.writeBytes(frame);
        }
        assertEnds(webSocket(""), many.toByteArray());
    }

    /** Sends without end and reads nothing, until the server has closed. */
    private static void assertEnds(Socket socket, byte[] bytes) {
        Thread sender = new Thread(() -> {
            try {
                while (true) {
                    send(socket, bytes);
                }
            } catch (IOException closed) {
                // as it is to be
            }
        });
        sender.setDaemon(true);
        sender.start();
        await().atMost(Duration.ofMillis(PATIENCE_MS)).until(() -> !sender.isAlive());
    }

    @Test
    void compressionIsNotOfferedAndACompressedFrameIsAProtocolError() throws IOException {
        Socket socket = webSocket("Sec-WebSocket-Extensions: permessage-deflate\r\n");
        send(socket, frame(0xc1, "xxxx"));
        String end = rest(socket);
        assertThat(end.charAt(0)).isEqualTo((char) 0x88);
        assertThat(end.charAt(2) << 8 | end.charAt(3)).isEqualTo(1002);
    }
}
