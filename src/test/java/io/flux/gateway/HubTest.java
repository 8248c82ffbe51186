package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.EventJson;
import io.flux.job.Refusal;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.vertx.core.Vertx;
import io.vertx.core.http.ClientWebSocket;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.springframework.data.redis.core.StringRedisTemplate;

/** The Hub between a real Redis and real WebSockets. */
@Timeout(60)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HubTest {
    private static final EventJson JSON = new EventJson(new ObjectMapper());
    private static Vertx vertx;
    private static Hub ghosts;

    private final StringRedisTemplate redis = RedisFixture.redis();
    private final Ledger ledger = RedisFixture.ledger();
    private final Map<String, ServerWebSocket> sockets = new ConcurrentHashMap<>();
    private String channel;
    private String id;
    private String model;
    private long seq;
    private Hub hub;
    private RedisFixture.Subscription subscription;
    private HttpServer server;
    private WebSocketClient webSockets;

    /** A browser, say. */
    private final class Client {
        private final String key = RedisFixture.name("client");
        private final List<String> frames = new CopyOnWriteArrayList<>();
        private final WebSocket socket;

        Client() throws Exception {
            socket = get(webSockets.connect(server.actualPort(), "127.0.0.1", "/" + key));
            socket.textMessageHandler(frames::add);
            await().until(() -> sockets.containsKey(key));
        }

        List<Long> seqs() {
            return frames.stream()
                    .filter(frame -> frame.contains("\"seq\":"))
                    .map(frame -> Long.valueOf(frame.replaceAll(".*\"seq\":(\\d+).*", "$1")))
                    .toList();
        }

        void awaitSeqs(long first, long last) {
            await().untilAsserted(() -> assertThat(seqs())
                    .isEqualTo(java.util.stream.LongStream.rangeClosed(first, last)
                            .boxed()
                            .toList()));
        }
    }

    @BeforeAll
    static void open() {
        vertx = Vertx.vertx();
        ghosts = new Hub(RedisFixture.ledger(), JSON, "ghosts");
        // What a message leaves behind that is processed after its socket has closed; dropped after some seconds.
        ghosts.send("ghost", "{}");
    }

    @AfterAll
    static void shut() throws Exception {
        ghosts.close();
        get(vertx.close());
    }

    @BeforeEach
    void start() throws Exception {
        channel = Keys.gatewayChannel(RedisFixture.name("gateway"));
        id = RedisFixture.name("job");
        model = RedisFixture.name("model");
        hub = new Hub(ledger, JSON, channel);
        subscription = RedisFixture.subscribe(channel, hub::publish);
        webSockets = vertx.createWebSocketClient();
        server = get(vertx.createHttpServer()
                .webSocketHandler(socket -> {
                    String key = socket.path().substring(1);
                    socket.closeHandler(closed -> hub.detach(key));
                    hub.attach(key, socket);
                    sockets.put(key, socket);
                })
                .listen(0, "127.0.0.1"));
    }

    @AfterEach
    void stop() throws Exception {
        subscription.close();
        hub.close();
        get(webSockets.close());
        get(server.close());
    }

    @Test
    void theTicketComesFirstAndThenEveryEventInOrder() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, 1L);
        begin();
        write(5);
        finish();
        client.awaitSeqs(1, 6);
        assertThat(client.frames.get(0))
                .isEqualTo("{\"type\":\"ticket\",\"request_id\":\"" + id + "\",\"model\":\"" + model
                        + "\",\"position\":1}");
        assertThat(client.frames.get(1)).isEqualTo(frame(1));
    }

    @Test
    void twoClientsOfOneJobGetTheSame() throws Exception {
        Client one = new Client();
        Client other = new Client();
        create();
        begin();
        hub.follow(one.key, id, 0, null);
        write(3);
        hub.follow(other.key, id, 0, null);
        write(3);
        finish();
        one.awaitSeqs(1, 7);
        other.awaitSeqs(1, 7);
        assertThat(other.frames).isEqualTo(one.frames);
    }

    @Test
    void twoJobsShareASocketAndEachKeepsItsOrder() throws Exception {
        Client client = new Client();
        create();
        begin();
        String first = id;
        String second = RedisFixture.name("job");
        ledger.create(second, model, "{}");
        ledger.start(second, "w");
        hub.follow(client.key, first, 0, null);
        hub.follow(client.key, second, 0, null);
        for (int i = 1; i <= 20; i++) {
            ledger.append(first, 1, i, "{\"request_id\":\"" + first + "\",\"n\":" + i + "}");
            ledger.append(second, 1, i, "{\"request_id\":\"" + second + "\",\"n\":" + i + "}");
        }
        await().until(() -> client.frames.size() == 42);
        for (String job : List.of(first, second)) {
            assertThat(client.frames.stream().filter(frame -> frame.contains(job) && frame.contains("\"n\"")))
                    .containsExactlyElementsOf(IntStream.rangeClosed(1, 20)
                            .mapToObj(n -> "{\"request_id\":\"" + job + "\",\"n\":" + n + "}")
                            .toList());
        }
    }

    @Test
    void aClientThatComesBackGetsWhatItMissedAndThenWhatComes() throws Exception {
        create();
        begin();
        write(9);
        Client client = new Client();
        hub.follow(client.key, id, 4, null);
        write(3);
        finish();
        client.awaitSeqs(5, 13);
    }

    @Test
    void aJobThatHasEndedIsReplayed() throws Exception {
        create();
        begin();
        write(1200); // more than two pages of the journal
        finish();
        Client client = new Client();
        hub.follow(client.key, id, 0, null);
        client.awaitSeqs(1, 1201);
        assertThat(followers()).isEmpty();
    }

    @Test
    void eventsThatAreWrittenWhileAClientRegistersComeOnceAndInOrder() throws Exception {
        create();
        begin();
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            clients.add(new Client());
        }
        Thread writer = new Thread(() -> {
            write(1500);
            finish();
        });
        writer.start();
        for (Client client : clients) {
            hub.follow(client.key, id, 0, null);
        }
        writer.join();
        for (Client client : clients) {
            client.awaitSeqs(1, 1501);
        }
    }

    @Test
    void anEventThatIsLostOnItsWayIsReadFromTheJournal() throws Exception {
        Client client = new Client();
        create();
        begin();
        hub.follow(client.key, id, 0, null);
        write(2);
        client.awaitSeqs(1, 2);
        redis.delete(Keys.followers(id)); // as if the gateway's connection to Redis were away
        write(2);
        ledger.follow(id, channel, 0, 1);
        write(1);
        client.awaitSeqs(1, 5);
    }

    @Test
    void aJobThatThereIsNotIsRefusedAndLeavesNothingBehind() throws Exception {
        Client client = new Client();
        Refusal refusal = catchThrowableOfType(Refusal.class, () -> hub.follow(client.key, id, 0, null));
        assertThat(refusal.event().code()).isEqualTo("not_found");
        assertThat(refusal.event().requestId()).isEqualTo(id);
        assertThat(refusal.event().field()).isEqualTo("request_id");
        assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        assertThat(client.frames).isEmpty();
        assertThat(hub.connections()).isEqualTo(1);
    }

    @Test
    void redisKnowsOfAGatewayAsLongAsOneOfItsClientsFollows() throws Exception {
        Client one = new Client();
        Client other = new Client();
        create();
        hub.follow(one.key, id, 0, 1L);
        hub.follow(other.key, id, 0, 1L);
        assertThat(followers()).containsExactly(channel);
        get(one.socket.close());
        await().until(() -> hub.connections() == 1);
        assertThat(followers()).containsExactly(channel);
        get(other.socket.close());
        await().until(() -> hub.connections() == 0);
        await().untilAsserted(() -> assertThat(followers()).isEmpty());
        assertThat(hub.waitingModels()).isEmpty();
    }

    @Test
    void whoeverStaysGetsEverythingThoughAnotherLeaves() throws Exception {
        Client leaves = new Client();
        Client stays = new Client();
        create();
        begin();
        hub.follow(leaves.key, id, 0, null);
        hub.follow(stays.key, id, 0, null);
        write(3);
        get(leaves.socket.close());
        await().until(() -> hub.connections() == 1);
        write(3);
        finish();
        stays.awaitSeqs(1, 7);
    }

    @Test
    void followingTwiceOnOneSocketSendsEachNewEventOnce() throws Exception {
        Client client = new Client();
        create();
        begin();
        hub.follow(client.key, id, 0, null);
        write(3);
        client.awaitSeqs(1, 3);
        hub.follow(client.key, id, 3, null);
        write(3);
        finish();
        client.awaitSeqs(1, 7);
    }

    @Test
    void aClientThatAsksAgainRightAfterTheEndGetsTheEndAgain() throws Exception {
        Client client = new Client();
        create();
        begin();
        finish();
        int asked = 300;
        for (int i = 0; i < asked; i++) {
            hub.follow(client.key, id, 0, null);
        }
        await().atMost(Duration.ofSeconds(5)).until(() -> client.seqs().size(), ends -> ends == asked);
    }

    @Test
    void framesOfASocketThatIsNotKnownYetGoOutFirstWhenItIs() throws Exception {
        String key = RedisFixture.name("early");
        hub.send(key, "one");
        create();
        hub.follow(key, id, 0, 1L);
        List<String> frames = new CopyOnWriteArrayList<>();
        // Before it connects: what the hub has kept comes at once.
        ClientWebSocket socket = webSockets.webSocket();
        socket.textMessageHandler(frames::add);
        get(socket.connect(server.actualPort(), "127.0.0.1", "/" + key));
        begin();
        write(1);
        await().until(() -> frames.size() == 3);
        assertThat(frames.get(0)).isEqualTo("one");
        assertThat(frames.get(1)).contains("\"ticket\"");
        assertThat(frames.get(2)).isEqualTo(frame(1));
    }

    @Test
    void aSocketThatHasClosedBeforeItIsKnownLeavesNothing() throws Exception {
        Client client = new Client();
        ServerWebSocket closed = sockets.get(client.key);
        get(client.socket.close());
        await().until(() -> closed.isClosed() && hub.connections() == 0);
        hub.attach(client.key, closed);
        assertThat(hub.connections()).isZero();
    }

    @Test
    void aConnectionThatIsGoneIsDetachedOnce() {
        hub.detach("nobody");
        assertThat(hub.connections()).isZero();
    }

    @Test
    @Order(Integer.MAX_VALUE)
    void aConnectionWhoseSocketNeverOpensIsDropped() {
        await().atMost(Duration.ofSeconds(20)).until(() -> ghosts.connections() == 0);
    }

    @Test
    void whoWaitsHearsItsPositionWheneverItChanges() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, 3L);
        assertThat(hub.waitingModels()).containsExactly(model);
        hub.positions(model, List.of("last", id, "b", "a"));
        hub.positions(model, List.of("last", id, "b"));
        hub.positions(model, List.of("last", id, "b"));
        hub.positions("other-model", List.of(id));
        hub.positions(model, List.of("last", id));
        hub.positions(model, List.of("last"));
        hub.send(client.key, "end");
        await().until(() -> client.frames.contains("end"));
        assertThat(client.frames.subList(1, client.frames.size())).containsExactly(position(2), position(1), "end");
    }

    @Test
    void whoDoesNotWaitHearsNoPosition() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, 2L);
        begin();
        write(1);
        client.awaitSeqs(1, 1);
        assertThat(hub.waitingModels()).isEmpty();
        hub.positions(model, List.of(id));
        hub.send(client.key, "end");
        await().until(() -> client.frames.contains("end"));
        assertThat(client.frames).noneMatch(frame -> frame.contains("\"type\":\"position\""));
    }

    @Test
    void aClientThatDoesNotReadHoldsUpNobodyAndLaterGetsEverythingOnce() throws Exception {
        Client stuck = new Client();
        Client reads = new Client();
        create();
        begin();
        stuck.socket.pause();
        hub.follow(stuck.key, id, 0, null);
        hub.follow(reads.key, id, 0, null);
        int events = 1500;
        String filler = "x".repeat(8000);
        for (int i = 1; i <= events; i++) {
            ledger.append(id, 1, i, "{\"seq\":" + i + ",\"content\":\"" + filler + "\"}");
        }
        reads.awaitSeqs(1, events);
        assertThat(stuck.frames).isEmpty();
        stuck.socket.resume();
        stuck.awaitSeqs(1, events);
    }

    @Test
    void closingSendsEveryClientAwayToComeBackElsewhere() throws Exception {
        Client one = new Client();
        Client other = new Client();
        hub.close();
        await().until(() -> one.socket.isClosed() && other.socket.isClosed());
        assertThat(one.socket.closeStatusCode()).isEqualTo((short) 1012);
        assertThat(other.socket.closeReason()).isEqualTo("restarting");
    }

    private void create() {
        ledger.create(id, model, "{}");
        ledger.accept(id);
    }

    private void begin() {
        assertThat(ledger.start(id, "worker")).isNotNull();
    }

    private void write(int events) {
        for (int i = 0; i < events; i++) {
            seq++;
            ledger.append(id, 1, seq, frame(seq));
        }
    }

    private void finish() {
        seq++;
        ledger.finish(id, 1, seq, frame(seq), "stop");
    }

    private static String frame(long seq) {
        return "{\"seq\":" + seq + "}";
    }

    private String position(int position) {
        return "{\"type\":\"position\",\"request_id\":\"" + id + "\",\"position\":" + position + "}";
    }

    private Set<String> followers() {
        return redis.opsForSet().members(Keys.followers(id));
    }

    private static <T> T get(io.vertx.core.Future<T> future)
            throws InterruptedException, ExecutionException, TimeoutException {
        return future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
}
