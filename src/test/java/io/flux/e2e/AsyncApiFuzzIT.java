package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.docs.ApiContract;
import io.flux.docs.ApiDocument;
import io.flux.docs.SchemaValues;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Messages that are made from the schemas of {@code /asyncapi.json}, valid and broken, over the WebSocket: a valid one gets
 * its events, a broken one an error that names its field, every event is as the document says, and the connection goes on.
 * The messages are the same each time; {@code -Dflux.fuzz.seed} has others.
 */
class AsyncApiFuzzIT {
    private static final long SEED = Long.getLong("flux.fuzz.seed", 20_260);
    private static final int CLIENTS = 4;
    private static final int MESSAGES = Integer.getInteger("flux.fuzz.messages", 80);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final ApiDocument DOCUMENT = ApiDocument.asyncApi();

    /** Valid in their form, and yet not possible here: there is one model, and answers are posted nowhere. */
    private static final Set<String> NOT_HERE = Set.of("model", "callback_url");

    /** Of which a request has at most one. */
    private static final List<Set<String>> ALTERNATIVES =
            List.of(Set.of("prompt", "messages"), Set.of("response_format", "json_schema", "grammar"));

    @TempDir
    static Path folder;

    private static RunningFlux flux;

    @BeforeAll
    static void start() throws IOException {
        flux = RunningFlux.named("asyncapi-fuzz")
                .redis(TestRedis.empty())
                .llamaCompletion(QuickEngine.in(folder.resolve("engine")))
                .impatient()
                .java("-Xmx256m")
                .set("FLUX_TEMPLATE", "none")
                .set("FLUX_SLOTS", 2)
                .set("FLUX_GRACE", "300ms")
                .set("FLUX_GRACE_RENEWAL", "100ms")
                .set("FLUX_RETENTION", "3s")
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @Test
    void everyMessageGetsWhatTheDocumentSaysAndLeavesNothingBehind() throws Exception {
        TestRedis redis = TestRedis.running();
        fuzz(0, 10);
        calm();
        Footprint before = Footprint.of(flux, redis);

        fuzz(1, MESSAGES);

        calm();
        before.awaitBackHere(flux, redis);
        assertThat(flux.log().lines().filter(line -> line.startsWith("\tat ") || line.contains(" ERROR ")))
                .isEmpty();
    }

    private static void calm() {
        await("no job is left")
                .atMost(TIMEOUT)
                .until(() -> flux.get("/queue/status").body().contains("\"queue_length\":0,\"running\":0"));
    }

    private static void fuzz(int part, int messages) throws InterruptedException {
        List<Callable<Void>> conversations = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            long seed = SEED + 1_000L * part + i;
            conversations.add(() -> {
                try (FluxSocket client = flux.connect()) {
                    new Conversation(client, seed).play(messages);
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("seed " + SEED + ", of this one " + seed + ": " + e.getMessage(), e);
                }
                return null;
            });
        }
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            List<String> failures = new ArrayList<>();
            for (Future<Void> played : clients.invokeAll(conversations)) {
                try {
                    played.get();
                } catch (ExecutionException e) {
                    failures.add(e.getCause().getMessage());
                }
            }
            assertThat(failures).isEmpty();
        } finally {
            clients.shutdownNow();
        }
    }

    /** One client, which says one thing after the other. */
    private static final class Conversation {
        private final FluxSocket client;
        private final Random random;
        private final SchemaValues values;
        private final String name;
        private int number;
        private String last = "none-yet";

        Conversation(FluxSocket client, long seed) {
            this.client = client;
            this.random = new Random(seed);
            this.values = new SchemaValues(DOCUMENT, random);
            this.name = "c" + seed;
        }

        void play(int messages) {
            for (int i = 0; i < messages; i++) {
                switch (random.nextInt(10)) {
                    case 0, 1, 2 -> generate();
                    case 3 -> cancel();
                    case 4 -> resume();
                    case 5 -> models();
                    case 6 -> noJson();
                    default -> broken();
                }
                assertThat(client.isClosed()).as("the connection is closed").isFalse();
            }
            models();
            assertThat(client.events())
                    .allSatisfy(event -> assertThat(ApiContract.problems(event)).isEmpty());
        }

        private ObjectNode message(String kind) {
            return (ObjectNode) values.valid(payload(kind));
        }

        private static JsonNode payload(String kind) {
            return DOCUMENT.root().at("/components/messages/" + kind + "/payload");
        }

        private String nextId() {
            return name + "-" + number++;
        }

        private void generate() {
            String id = nextId();
            ObjectNode message = message("generate").put("request_id", id);
            JsonNode first = answer(message, id);
            if (first.path("type").asText().equals("ticket")) {
                client.awaitEnd(id);
                client.assertGapless(id, 1);
                last = id;
            } else {
                assertThat(first.path("field").asText())
                        .as(message + " → " + first)
                        .isIn(NOT_HERE);
                assertThat(message.hasNonNull(first.path("field").asText())).isTrue();
            }
        }

        private void cancel() {
            String id = random.nextBoolean() ? last : nextId();
            JsonNode said = answer(message("cancel").put("request_id", id), id);
            assertThat(said.path("code").asText()).as(said.toString()).isIn("not_found", "already_finished");
        }

        /** A job that is over, or one that is not there: its events, or an error. */
        private void resume() {
            boolean known = random.nextBoolean() && !last.equals("none-yet");
            String id = known ? last : nextId();
            ObjectNode message = message("resume").put("request_id", id);
            if (known) {
                message.put("after", 0);
            }
            JsonNode said = answer(message, id);
            // A job may have expired by now.
            assertThat(said.path("type").asText()).as(said.toString()).isIn("ticket", "error");
            if (said.path("type").asText().equals("error")) {
                assertThat(said.path("field").asText()).isEqualTo("request_id");
            }
        }

        private void models() {
            String id = nextId();
            JsonNode said = answer(message("models").put("request_id", id), id);
            assertThat(said.path("type").asText()).isEqualTo("models");
        }

        private void noJson() {
            String whole = message("generate").toString();
            int before = client.events().size();
            client.say(whole.substring(0, 1 + random.nextInt(whole.length() - 1)));
            JsonNode said = next(before, "an answer to what is no JSON", Conversation::isAnswer);
            assertThat(said.path("code").asText()).isEqualTo("invalid_request");
        }

        /** A valid message in which one member is not as its schema says. */
        private void broken() {
            String kind = List.of("generate", "generate", "generate", "generate", "cancel", "resume")
                    .get(random.nextInt(6));
            String id = nextId();
            ObjectNode message = message(kind).put("request_id", id);
            NOT_HERE.forEach(message::remove);
            List<String> members = new ArrayList<>();
            JsonNode properties = kind.equals("generate")
                    ? DOCUMENT.root().at("/components/schemas/Request/properties")
                    : DOCUMENT.follow(payload(kind)).get("properties");
            properties.fieldNames().forEachRemaining(members::add);
            String member = members.get(random.nextInt(members.size()));
            for (Set<String> alternatives : ALTERNATIVES) {
                if (alternatives.contains(member)) {
                    message.remove(alternatives);
                }
            }
            message.set(member, values.broken(properties.get(member)));
            if (member.equals("type") && message.get(member).isNull()) {
                return; // A message without a type is a request, and what is wrong with it is another thing.
            }
            int before = client.events().size();
            client.say(message.toString());
            JsonNode said = next(before, "an error for " + message, Conversation::isAnswer);
            String asked = message + " → " + said;
            assertThat(said.path("type").asText()).as(asked).isEqualTo("error");
            assertThat(said.path("code").asText()).as(asked).isEqualTo("invalid_request");
            assertThat(said.path("field").asText()).as(asked).startsWith(member);
        }

        /** The first event of an id that comes after this message. */
        private JsonNode answer(ObjectNode message, String id) {
            int before = client.events().size();
            client.say(message.toString());
            return next(before, "an answer to " + message, event -> event.path("request_id")
                    .asText()
                    .equals(id));
        }

        /** An error that ends no job. */
        private static boolean isAnswer(JsonNode event) {
            return event.path("type").asText().equals("error") && !event.has("seq");
        }

        /** The first such event after so many others. */
        private JsonNode next(int before, String what, Predicate<JsonNode> wanted) {
            return Awaitility.await(what)
                    .atMost(TIMEOUT)
                    .pollInterval(Duration.ofMillis(5))
                    .until(
                            () -> client.events().stream()
                                    .skip(before)
                                    .filter(wanted)
                                    .findFirst()
                                    .orElse(null),
                            event -> event != null);
        }
    }
}
