package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A warm engine for many clients: the real llama-server with the shipped model and four slots. */
@Timeout(120)
class LlamaServerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int SLOTS = 4;
    /** flux-tiny's answers are short; these go on until their budget is used up. */
    private static final String ENDLESS = "--ignore-eos";

    private static final String BUDGET = "\"max_tokens\":480,\"temperature\":0";
    private static final Pattern READY = Pattern.compile("llama-server ready: .* pid (\\d+), .* (http://\\S+:\\d+)");

    private static final ObjectMapper JSON = new ObjectMapper();

    private static TestRedis redis;
    private static Path llama;
    private static RunningFlux gateway;
    private static RunningFlux worker;
    private static RunningFlux other;

    /** A llama-server that Flux runs, as its log says and its environment tells. */
    private record Server(long pid, URI address, String key) {
        static Server of(RunningFlux flux) {
            await().atMost(PATIENCE).until(() -> READY.matcher(flux.log()).find());
            Matcher ready = READY.matcher(flux.log());
            Server last = null;
            while (ready.find()) {
                long pid = Long.parseLong(ready.group(1));
                last = new Server(pid, URI.create(ready.group(2)), key(pid));
            }
            return last;
        }

        private static String key(long pid) {
            try {
                String environment =
                        Files.readString(Path.of("/proc", Long.toString(pid), "environ"), StandardCharsets.ISO_8859_1);
                return Stream.of(environment.split("\0"))
                        .filter(entry -> entry.startsWith("LLAMA_API_KEY="))
                        .map(entry -> entry.substring(entry.indexOf('=') + 1))
                        .findFirst()
                        .orElseThrow();
            } catch (IOException gone) {
                return "";
            }
        }

        /** How many of its slots are at work. */
        int busySlots() {
            try {
                HttpResponse<String> slots = HttpClient.newHttpClient()
                        .send(
                                HttpRequest.newBuilder(address.resolve("/slots"))
                                        .header("Authorization", "Bearer " + key)
                                        .build(),
                                HttpResponse.BodyHandlers.ofString());
                assertThat(slots.statusCode()).as(slots.body()).isEqualTo(200);
                int busy = 0;
                for (JsonNode slot : JSON.readTree(slots.body())) {
                    busy += slot.path("is_processing").asBoolean() ? 1 : 0;
                }
                return busy;
            } catch (IOException e) {
                throw new AssertionError(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }

        void signal(String name) throws Exception {
            assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                            .start()
                            .waitFor())
                    .isZero();
        }

        boolean isAlive() {
            return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
        }
    }

    @BeforeAll
    static void start() {
        llama = Machine.llamaFolder();
        redis = TestRedis.empty();
        gateway = RunningFlux.named("llama-server-gateway")
                .gateway()
                .redis(redis)
                .set("FLUX_MODEL", "tiny")
                .launch();
        worker = worker("llama-server-worker", "tiny")
                .set("FLUX_SLOTS", SLOTS)
                .set("FLUX_LLAMA_ARGS", ENDLESS)
                .launch();
        other = worker("llama-server-other", "second").launch();
        gateway.awaitReady();
        worker.awaitReady();
        other.awaitReady();
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(worker, other, gateway);
    }

    private static RunningFlux.Setup worker(String name, String model) {
        return RunningFlux.named(name)
                .worker()
                .redis(redis)
                .impatient()
                .set("FLUX_ENGINE", "llama-server")
                .set("FLUX_LLAMA_DIR", llama)
                .set("FLUX_MODEL", model);
    }

    @Test
    void fourClientsStreamAtOnceFromOneWorkerAndTheFifthWaits() {
        List<String> ids = List.of("at-once-1", "at-once-2", "at-once-3", "at-once-4");
        try (FluxSocket client = gateway.connect()) {
            ids.forEach(id -> client.ask(id, "Write me a poem about " + id, BUDGET));
            ids.forEach(client::awaitEnd);
            Set<String> writing = new HashSet<>();
            for (JsonNode event : client.events()) {
                if (FluxSocket.type(event).equals("complete")) {
                    break;
                }
                if (FluxSocket.type(event).equals("token")) {
                    writing.add(event.path("request_id").asText());
                }
            }
            assertThat(writing).as("written to before the first was whole").containsExactlyInAnyOrderElementsOf(ids);
            for (String id : ids) {
                JsonNode complete = client.await(id, "complete");
                assertThat(complete.path("finish_reason").asText()).isEqualTo("length");
                assertThat(complete.path("token_count").asInt()).isEqualTo(480);
                assertThat(complete.path("usage").path("prompt_tokens").asInt()).isPositive();
                client.assertGapless(id, 1);
            }
        }
    }

    @Test
    void aServerThatIsKilledInMidAnswerIsARestartAndTheTextGoesOn() throws Exception {
        try (FluxSocket client = gateway.connect()) {
            client.ask("uncut", "Tell me a bedtime story", BUDGET);
            client.awaitEnd("uncut");
            Server server = Server.of(worker);
            client.ask("cut", "Tell me a bedtime story", BUDGET);
            client.await("cut", "token");
            server.signal("STOP"); // whatever happens next, the answer is not whole
            assertThat(client.events("cut", "complete")).isEmpty();
            server.signal("KILL");
            client.await("cut", "restart");
            String before = textBeforeRestart(client.events("cut"));
            assertThat(client.awaitEnd("cut").path("finish_reason").asText()).isEqualTo("length");
            client.assertGapless("cut", 1);
            assertThat(client.events("cut", "restart"))
                    .as("a restart for the death, and none for each slot that waited")
                    .hasSize(1);
            assertThat(client.events("cut", "restart").get(0).path("mode").asText())
                    .isEqualTo("continue");
            // What comes after may differ: a prompt that is read at once is rounded otherwise than one that is written.
            assertThat(client.text("uncut")).startsWith(before);
            assertThat(client.text("cut")).startsWith(before).hasSizeGreaterThan(before.length());
            assertThat(Server.of(worker).pid()).isNotEqualTo(server.pid());
            assertThat(server.isAlive()).isFalse();
        }
    }

    private static String textBeforeRestart(List<JsonNode> events) {
        StringBuilder text = new StringBuilder();
        for (JsonNode event : events) {
            if (FluxSocket.type(event).equals("restart")) {
                return text.toString();
            }
            text.append(event.path("content").asText());
        }
        throw new AssertionError("no restart in " + events);
    }

    @Test
    void aCancelFreesTheSlotOfTheServer() {
        try (FluxSocket client = gateway.connect()) {
            client.ask("unwanted", "Tell me a bedtime story", BUDGET);
            client.await("unwanted", "token");
            client.cancel("unwanted");
            assertThat(client.awaitEnd("unwanted").path("finish_reason").asText())
                    .isEqualTo("cancelled");
            Server server = Server.of(worker);
            await().atMost(PATIENCE).until(() -> server.busySlots() == 0);
        }
    }

    @Test
    void anAnswerThatKeepsToASchemaParses() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            client.ask(
                    "form",
                    "Is the sea wide?",
                    "\"model\":\"second\",\"max_tokens\":200,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":"
                            + "{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"},"
                            + "\"n\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":99}},"
                            + "\"required\":[\"ok\",\"n\"],\"additionalProperties\":false}}}");
            assertThat(client.awaitEnd("form").path("type").asText()).isEqualTo("complete");
            JsonNode answer = JSON.readTree(client.text("form"));
            assertThat(answer.path("ok").isBoolean()).isTrue();
            assertThat(answer.path("n").asInt(-1)).isBetween(0, 99);
        }
    }

    @Test
    void twoModelsOnTwoWorkersGetTheirOwnJobs() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                String id = "own-" + i;
                ids.add(id);
                client.ask(id, "Hello", "\"max_tokens\":4,\"model\":\"" + (i % 2 == 0 ? "tiny" : "second") + "\"");
            }
            ids.forEach(client::awaitEnd);
            for (int i = 0; i < 6; i++) {
                RunningFlux here = i % 2 == 0 ? worker : other;
                RunningFlux there = i % 2 == 0 ? other : worker;
                assertThat(here.log()).contains("attempt begins request_id=own-" + i + " ");
                assertThat(there.log()).doesNotContain("request_id=own-" + i + " ");
            }
            JsonNode models = JSON.readTree(gateway.get("/models").body()).path("models");
            assertThat(models.findValuesAsText("name")).contains("second", "tiny");
            client.say("{\"type\":\"models\",\"request_id\":\"which\"}");
            assertThat(client.await("which", "models").path("models")).isEqualTo(models);
            for (JsonNode model : models) {
                if (model.path("name").asText().equals("tiny")) {
                    assertThat(model.path("slots").asInt()).isEqualTo(SLOTS);
                    assertThat(model.path("workers").asInt()).isEqualTo(1);
                }
            }
            client.ask("unknown", "Hello", "\"model\":\"third\"");
            JsonNode refused = client.await("unknown", "error");
            assertThat(refused.path("code").asText()).isEqualTo("not_found");
            assertThat(refused.path("error").asText())
                    .startsWith("model third is not served; known: ")
                    .contains("second");
        }
    }

    @Test
    void aWorkerThatCannotLoadItsModelSaysSoAndTakesNoJob() throws IOException {
        Path broken = Files.writeString(Files.createTempFile("broken", ".gguf"), "GGUF, and nothing of what follows");
        try (RunningFlux unable = worker("llama-server-unable", "broken")
                        .set("FLUX_MODEL_FILE", broken)
                        .until("llama-server exited")
                        .launch();
                RunningFlux door = RunningFlux.named("llama-server-unable-gateway")
                        .gateway()
                        .redis(redis)
                        .set("FLUX_MODEL", "broken")
                        .launch();
                FluxSocket client = door.awaitReady().connect()) {
            unable.awaitReady();
            client.ask("waits", "Hello");
            client.await("waits", "ticket");
            HttpResponse<String> health = unable.get("/health");
            assertThat(health.statusCode()).isEqualTo(503);
            assertThat(health.body()).contains("llama-server exited with code 1: ", "this GGUF file is version");
            assertThat(unable.log()).doesNotContain("Flux worker ready", "attempt begins");
            assertThat(redis.commands().hkeys("flux:{broken}:places")).containsExactly("waits");
            client.cancel("waits");
            client.awaitEnd("waits");
        } finally {
            Files.delete(broken);
        }
    }

    @Test
    void aWorkerThatEndsTakesItsServerWithItHoweverItEnds() {
        try (RunningFlux stopped = worker("llama-server-stopped", "mortal").launch();
                RunningFlux killed = worker("llama-server-killed", "mortal").launch()) {
            List<Server> servers = List.of(Server.of(stopped.awaitReady()), Server.of(killed.awaitReady()));
            assertThat(servers).allMatch(Server::isAlive);
            killed.kill9();
            stopped.terminate();
            stopped.awaitEnd();
            await().atMost(PATIENCE).until(() -> servers.stream().noneMatch(Server::isAlive));
        }
    }
}
