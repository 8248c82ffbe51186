package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Caller;
import io.flux.job.EventJson;
import io.flux.job.Refusal;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.Place;
import io.flux.ledger.RedisFixture;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;
import org.springframework.data.redis.core.types.RedisClientInfo;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/** The Hub between a real Redis and real WebSockets. */
@Timeout(60)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HubTest {
    private static final EventJson JSON = new EventJson(new ObjectMapper());
    private static final Hub.Attention ATTENTION = new Hub.Attention(Duration.ofSeconds(15), Duration.ofSeconds(5));
    private static Vertx vertx;

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
    }

    @AfterAll
    static void shut() throws Exception {
        get(vertx.close());
    }

    @BeforeEach
    void start() throws Exception {
        channel = Keys.gatewayChannel(RedisFixture.name("gateway"));
        id = RedisFixture.name("job");
        model = RedisFixture.name("model");
        hub = new Hub(ledger, JSON, channel, ATTENTION);
        subscription = RedisFixture.subscribe(channel, hub::publish);
        webSockets = vertx.createWebSocketClient();
        server = get(vertx.createHttpServer()
                .webSocketHandler(socket -> {
                    String key = socket.path().substring(1);
                    socket.closeHandler(closed -> hub.detach(key));
                    hub.attach(key, socket, Caller.ANYBODY, null);
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
        hub.follow(client.key, id, 0, at(1));
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
        ledger.create(second, model, "{}", null, "grace", false);
        ledger.start(second, "w", "claim");
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
        hub.follow(one.key, id, 0, at(1));
        hub.follow(other.key, id, 0, at(1));
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
    void whatIsSaidToAConnectionThatHasGoneIsDropped() {
        create();
        hub.send("gone", "{}");
        hub.follow("gone", id, 0, at(1));
        assertThat(hub.connections()).isZero();
        assertThat(hub.caller("gone")).isNull();
        assertThat(hub.waitingModels()).isEmpty();
    }

    @Test
    void aConnectionThatIsGoneIsDetachedOnce() {
        hub.detach("nobody");
        assertThat(hub.connections()).isZero();
    }

    @Test
    void whoWaitsHearsItsPositionWheneverItChanges() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, at(3));
        assertThat(hub.waitingModels()).containsExactly(model);
        hub.positions(model, List.of("a", "b", id, "last"), 0);
        hub.positions(model, List.of("b", id, "last"), 0);
        hub.positions(model, List.of("b", id, "last"), 0);
        hub.positions("other-model", List.of(id), 0);
        hub.positions(model, List.of(id, "last"), 0);
        hub.positions(model, List.of("last"), 0);
        hub.send(client.key, "end");
        await().until(() -> client.frames.contains("end"));
        assertThat(client.frames.subList(1, client.frames.size())).containsExactly(position(2), position(1), "end");
    }

    @Test
    void whoDoesNotWaitHearsNoPosition() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, at(2));
        begin();
        write(1);
        client.awaitSeqs(1, 1);
        assertThat(hub.waitingModels()).isEmpty();
        hub.positions(model, List.of(id), 0);
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
    void whoWaitsHearsHowLongItTakesWhenThePaceIsKnown() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, new Place(3, 1400));
        hub.positions(model, List.of("a", id, "last"), 1500);
        hub.positions(model, List.of(id, "last"), 0);
        await().until(() -> client.frames.size() == 3);
        assertThat(client.frames.get(0))
                .isEqualTo("{\"type\":\"ticket\",\"request_id\":\"" + id + "\",\"model\":\"" + model
                        + "\",\"position\":3,\"eta_ms\":4200}");
        assertThat(client.frames.get(1))
                .isEqualTo("{\"type\":\"position\",\"request_id\":\"" + id + "\",\"position\":2,\"eta_ms\":3000}");
        assertThat(client.frames.get(2)).isEqualTo(position(1));
    }

    @Test
    void aJobThatIsToBeCancelledWhenNobodyFollowsItIsNamedWhenTheLastFollowerLeaves() throws Exception {
        Client one = new Client();
        Client other = new Client();
        create("cancel");
        hub.follow(one.key, id, 0, at(1));
        hub.follow(other.key, id, 0, null);
        assertThat(hub.detach(one.key)).isEmpty();
        assertThat(hub.detach(other.key)).containsExactly(id);
        assertThat(hub.detach(other.key)).as("once").isEmpty();
    }

    @Test
    void ofAllJobsOfASocketThoseAreNamedThatWantToBeCancelled() throws Exception {
        Client client = new Client();
        Set<String> unwanted = new TreeSet<>();
        for (String onDisconnect : List.of("cancel", "grace", "finish", "cancel")) {
            id = RedisFixture.name("job");
            create(onDisconnect);
            hub.follow(client.key, id, 0, at(1));
            if (onDisconnect.equals("cancel")) {
                unwanted.add(id);
            }
        }
        assertThat(hub.detach(client.key)).containsExactlyInAnyOrderElementsOf(unwanted);
    }

    @Test
    void aJobThatIsFollowedElsewhereOrHasEndedIsNotToBeCancelled() throws Exception {
        Client client = new Client();
        create("cancel");
        hub.follow(client.key, id, 0, at(1));
        ledger.follow(id, "another-gateway", 0, 1);
        String ended = RedisFixture.name("job");
        ledger.create(ended, model, "{}", null, "cancel", false);
        ledger.start(ended, "worker", "claim");
        hub.follow(client.key, ended, 0, null);
        redis.delete(Keys.followers(ended)); // the end does not come here
        ledger.finish(ended, 1, 1, "{\"seq\":1}", "stop");
        assertThat(hub.detach(client.key)).isEmpty();
        assertThat(followers()).containsExactly("another-gateway");
    }

    @Test
    void aJobThatNobodyFollowsAnyMoreCountsAsFollowedForTheGraceTime() throws Exception {
        Client client = new Client();
        create();
        enqueue();
        hub.follow(client.key, id, 0, at(1));
        followedTill(Long.MAX_VALUE);
        long before = System.currentTimeMillis();
        assertThat(hub.detach(client.key)).isEmpty();
        assertThat(followedTill()).isBetween(before + 15_000.0 - 1, System.currentTimeMillis() + 15_000.0 + 1);
    }

    @Test
    void whoeverComesBackIsWaitedForNoMore() throws Exception {
        Client client = new Client();
        create();
        enqueue();
        followedTill(1);
        long before = System.currentTimeMillis();
        hub.follow(client.key, id, 0, null);
        assertThat(followedTill())
                .as("until the next time that the gateway says so, and the grace time on top")
                .isGreaterThanOrEqualTo(before + 20_000.0 - 1);
    }

    @Test
    void aJobThatRunsWhetherFollowedOrNotStaysSo() throws Exception {
        Client client = new Client();
        create("finish");
        ledger.enqueue(id, model, RedisFixture.arrival(10), null, null);
        hub.follow(client.key, id, 0, null);
        hub.attend();
        assertThat(hub.detach(client.key)).isEmpty();
        assertThat(redis.hasKey(Keys.followed(model))).isFalse();
    }

    @Test
    void aGatewaySaysOfEveryJobThatIsFollowedHereThatItIsAThousandAtATime() throws Exception {
        AtomicInteger scripts = new AtomicInteger();
        StringRedisTemplate counting = new StringRedisTemplate(redis.getRequiredConnectionFactory()) {
            @Override
            public <T> T execute(RedisScript<T> script, List<String> keys, Object... args) {
                scripts.incrementAndGet();
                return super.execute(script, keys, args);
            }
        };
        List<String> jobs = new ArrayList<>();
        try (Hub other =
                new Hub(new Ledger(counting, Duration.ofHours(1), Duration.ofMinutes(1)), JSON, channel, ATTENTION)) {
            other.attach(new RecordingConnection(), Caller.ANYBODY);
            for (int i = 0; i < 2001; i++) {
                id = RedisFixture.name("job");
                create();
                ledger.enqueue(id, model, RedisFixture.arrival(5000), Duration.ofSeconds(1), null);
                other.follow(RecordingConnection.KEY, id, 0, at(1));
                jobs.add(id);
            }
            String notFollowed = RedisFixture.name("job");
            ledger.enqueue(notFollowed, model, RedisFixture.arrival(5000), Duration.ofSeconds(1), null);
            redis.opsForZSet().remove(Keys.followed(model), jobs.get(7)); // has ended
            scripts.set(0);
            long before = System.currentTimeMillis();
            other.attend();
            assertThat(scripts).hasValue(3);
            Set<String> attended =
                    redis.opsForZSet().rangeByScore(Keys.followed(model), before + 20_000.0 - 1, Double.MAX_VALUE);
            jobs.remove(7);
            assertThat(attended).containsExactlyInAnyOrderElementsOf(jobs);
        }
    }

    @Test
    void aClientThatLeavesWhileItsFollowingIsWrittenDownLeavesNothingBehind() throws Exception {
        create("cancel");
        enqueue();
        followedTill(Long.MAX_VALUE);
        CompletableFuture<List<String>> unwanted = new CompletableFuture<>();
        AtomicReference<Hub> leaving = new AtomicReference<>();
        StringRedisTemplate slow = new StringRedisTemplate(redis.getRequiredConnectionFactory()) {
            @Override
            public <T> T execute(RedisScript<T> script, List<String> keys, Object... args) {
                Hub hub = leaving.getAndSet(null);
                if (hub != null) {
                    new Thread(() -> unwanted.complete(hub.detach(RecordingConnection.KEY))).start();
                    await().until(() -> hub.connections() == 0);
                }
                return super.execute(script, keys, args);
            }
        };
        try (Hub other =
                new Hub(new Ledger(slow, Duration.ofHours(1), Duration.ofMinutes(1)), JSON, channel, ATTENTION)) {
            other.attach(new RecordingConnection(), Caller.ANYBODY);
            leaving.set(other);
            other.follow(RecordingConnection.KEY, id, 0, at(1));
            boolean named = unwanted.get(20, TimeUnit.SECONDS).equals(List.of(id));
            assertThat(named || followedTill() <= System.currentTimeMillis())
                    .as("to be cancelled: at once, or by the reaper")
                    .isTrue();
            assertThat(followers()).isEmpty();
            assertThat(other.waitingModels()).isEmpty();
        }
    }

    @Test
    void whatWasPublishedWhileTheChannelWasAwayIsFoundWhenItIsSubscribedToAgain() throws Exception {
        Client one = new Client();
        Client other = new Client();
        create();
        begin();
        hub.follow(one.key, id, 0, null);
        hub.follow(other.key, id, 0, null);
        write(2);
        one.awaitSeqs(1, 2);
        redis.delete(Keys.followers(id)); // as if the gateway's connection to Redis were away
        write(2);
        hub.resubscribed();
        one.awaitSeqs(1, 4);
        other.awaitSeqs(1, 4);
        assertThat(followers()).as("Redis knows again").containsExactly(channel);
        write(1);
        one.awaitSeqs(1, 5);
    }

    @Test
    void aLastEventThatNobodyHeardIsFoundWhenTheChannelIsSubscribedToAgain() throws Exception {
        Client client = new Client();
        create();
        begin();
        hub.follow(client.key, id, 0, null);
        write(1);
        client.awaitSeqs(1, 1);
        redis.delete(Keys.followers(id));
        finish();
        hub.resubscribed();
        client.awaitSeqs(1, 2);
    }

    @Test
    void aJobThatRedisHasForgottenIsNotFoundWhenTheChannelIsSubscribedToAgain() throws Exception {
        Client client = new Client();
        create();
        hub.follow(client.key, id, 0, at(1));
        redis.delete(redis.keys("flux:{" + id + "}*"));
        hub.resubscribed();
        await().until(() -> client.frames.size() == 2);
        assertThat(client.frames.get(1))
                .isEqualTo("{\"type\":\"error\",\"request_id\":\"" + id + "\",\"code\":\"not_found\",\"error\":"
                        + "\"there is no job " + id + "; it may have expired\",\"field\":\"request_id\"}");
        await().untilAsserted(() -> assertThat(hub.waitingModels()).isEmpty());
    }

    /** The real thing: the connection to Redis is cut, and nobody tells the Hub but its listener. */
    @Test
    void aConnectionToRedisThatIsCutIsNoticedWhenItIsBack() throws Exception {
        Client client = new Client();
        create();
        begin();
        RedisMessageListenerContainer container = new RedisMessageListenerContainer();
        container.setConnectionFactory(redis.getRequiredConnectionFactory());
        container.addMessageListener(new Resubscription(hub), new ChannelTopic(channel));
        container.afterPropertiesSet();
        container.start();
        try {
            hub.follow(client.key, id, 0, null);
            write(1);
            client.awaitSeqs(1, 1);
            redis.delete(Keys.followers(id));
            finish();
            for (RedisClientInfo subscribed : redis.getClientList()) {
                if (subscribed.getChannelSubscribtions() > 0) {
                    URI address = URI.create("redis://" + subscribed.getAddressPort());
                    redis.killClient(address.getHost(), address.getPort());
                }
            }
            client.awaitSeqs(1, 2);
        } finally {
            container.destroy();
        }
    }

    @Test
    void aClientThatAnswersPingsStays() throws Exception {
        Client client = new Client();
        List<String> heard = new CopyOnWriteArrayList<>();
        sockets.get(client.key).textMessageHandler(heard::add);
        for (int i = 1; i <= 10; i++) {
            assertThat(hub.silent()).isEmpty();
            client.socket.writeTextMessage("after the pong");
            int pings = i;
            await().until(() -> heard.size() == pings);
        }
        assertThat(client.socket.isClosed()).isFalse();
    }

    @Test
    void aClientThatLeavesThreePingsUnansweredIsGone() throws Exception {
        String key = RedisFixture.name("client");
        try (Socket mute = handshake(key)) {
            for (int i = 0; i < 3; i++) {
                assertThat(hub.silent()).isEmpty();
                assertThat(mute.getInputStream().readNBytes(2)).as("a ping").containsExactly(0x89, 0);
            }
            assertThat(hub.silent()).containsExactly(key);
            byte[] close = mute.getInputStream().readNBytes(4);
            assertThat(close[0]).isEqualTo((byte) 0x88);
            assertThat((close[2] & 0xFF) << 8 | close[3] & 0xFF).isEqualTo(1001);
        }
    }

    @Test
    void aClientThatAnswersLateIsNotGone() throws Exception {
        String key = RedisFixture.name("client");
        try (Socket late = handshake(key)) {
            List<String> heard = new CopyOnWriteArrayList<>();
            sockets.get(key).textMessageHandler(heard::add);
            for (int i = 0; i < 3; i++) {
                assertThat(hub.silent()).isEmpty();
            }
            late.getOutputStream().write(new byte[] {(byte) 0x8A, (byte) 0x80, 0, 0, 0, 0}); // pong
            late.getOutputStream().write(new byte[] {(byte) 0x81, (byte) 0x81, 0, 0, 0, 0, 'x'}); // text
            await().until(() -> heard.equals(List.of("x")));
            for (int i = 0; i < 3; i++) {
                assertThat(hub.silent()).isEmpty();
            }
            assertThat(hub.silent()).containsExactly(key);
        }
    }

    @Test
    void aClientThatIsGoneAlreadyCanBePinged() throws Exception {
        Client client = new Client();
        ServerWebSocket server = sockets.get(client.key);
        WebSocketConnection connection = new WebSocketConnection(client.key, server, new LongAdder());
        get(client.socket.close());
        await().until(server::isClosed);
        assertThat(connection.ping()).isTrue();
        connection.close(1001, "gone");
    }

    /** A WebSocket by hand, for a client library answers pings by itself. */
    private Socket handshake(String key) throws IOException {
        Socket socket = new Socket("127.0.0.1", server.actualPort());
        socket.setSoTimeout(20_000);
        socket.getOutputStream()
                .write(("GET /" + key + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        StringBuilder answer = new StringBuilder();
        while (!answer.toString().endsWith("\r\n\r\n")) {
            answer.append((char) socket.getInputStream().read());
        }
        assertThat(answer.toString()).startsWith("HTTP/1.1 101 ");
        await().until(() -> sockets.containsKey(key));
        return socket;
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

    private static Place at(long position) {
        return new Place(position, 0);
    }

    private void enqueue() {
        ledger.enqueue(id, model, RedisFixture.arrival(10), Duration.ofSeconds(1), null);
    }

    private double followedTill() {
        return redis.opsForZSet().score(Keys.followed(model), id);
    }

    private void followedTill(double ms) {
        redis.opsForZSet().add(Keys.followed(model), id, ms);
    }

    private void create() {
        create("grace");
    }

    private void create(String onDisconnect) {
        ledger.create(id, model, "{}", null, onDisconnect, false);
        ledger.accept(id);
    }

    private void begin() {
        assertThat(ledger.start(id, "worker", "claim")).isNotNull();
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
