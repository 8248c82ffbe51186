package io.flux.routes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.flux.FluxApplication;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.job.Requests;
import io.flux.ledger.Arrival;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Keys;
import io.flux.ledger.LastEvent;
import io.flux.ledger.Place;
import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.builder.AdviceWithRouteBuilder;
import org.apache.camel.component.mock.MockEndpoint;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.UseMainMethod;

/** What doors, queue and workers do with a job, in the shipped routes. */
@SpringBootTest(
        classes = FluxApplication.class,
        useMainMethod = UseMainMethod.ALWAYS,
        properties = {
            "flux.id=routes-test",
            "flux.queue-limit=3",
            "flux.attempts=2",
            "flux.backoff=0s",
            "flux.max-tokens-limit=100",
            "flux.max-tokens-default=50"
        })
class CamelRoutesTest extends ShippedRoutes {
    @Test
    void aSubmittedRequestIsAJobInTheQueue() {
        Exchange first = submit(request(id, "Hello"));
        Exchange second = submit(request("second", "Hello"));
        assertThat(first.getVariable("place")).isEqualTo(new Place(1, 0));
        assertThat(second.getVariable("place")).isEqualTo(new Place(2, 0));
        assertThat(waiting()).containsExactly(id, "second");
        assertThat(redis.opsForHash().entries("flux:{" + id + "}:job"))
                .containsEntry("state", "queued")
                .containsEntry("model", MODEL)
                .containsEntry("attempt", "0")
                .containsEntry(
                        "request",
                        "{\"model\":\"routes-test\",\"prompt\":\"Hello\",\"max_tokens\":50,\"on_disconnect\":\"grace\",\"priority\":\"normal\"}");
        assertThat(redis.getExpire("flux:{" + id + "}:job"))
                .as("kept until it ends")
                .isEqualTo(-1);
    }

    @Test
    void theSameRequestTwiceIsOneJob() {
        submit(request(id, "Hello"));
        Exchange again = submit(request(id, "Hello"));
        assertThat(again.getVariable("place")).isNull();
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void aRefusedSubmitLeavesNothingBehind() {
        for (String other : List.of("a", "b", "c")) {
            submit(request(other, "Hello"));
        }
        assertThat(refusal(request(id, "Hello")).event().code()).isEqualTo("overloaded");
        assertThat(refusal(Requests.prompt(id, "other", "x", 5)).event().code()).isEqualTo("not_found");
        assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        assertThat(waiting()).containsExactly("a", "b", "c");
    }

    @Test
    void anotherRequestUnderATakenIdIsAConflict() {
        submit(request(id, "Hello"));
        assertThat(refusal(request(id, "Bye")).event().code()).isEqualTo("conflict");
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void aPoppedJobIsServedAndItsLeaseEnds() throws Exception {
        submit(request(id, "Hello"));
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(text(id)).isEqualTo("You said: Hello");
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("stop");
        assertThat(event(id, -1).get("token_count").intValue()).isEqualTo(8);
        assertThat(state(id)).isEqualTo("done");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aFailedAttemptGoesToTheFrontOfTheQueueAndTheNextOneContinuesItsText() throws Exception {
        submit(request(id, "fail once"));
        submit(request("later", "Hello"));
        popAndServe();
        assertThat(waiting()).as("next to be served").containsExactly(id, "later");
        assertThat(state(id)).isEqualTo("queued");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(types(id)).containsExactly("start", "token");
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token", "restart", "token", "complete");
        assertThat(event(id, 2).get("mode").textValue()).isEqualTo("continue");
        assertThat(text(id)).isEqualTo("half whole");
        assertThat(waiting()).containsExactly("later");
    }

    @Test
    void aJobWithoutAnAttemptLeftIsDeadLettered() throws Exception {
        submit(request(id, "fail always"));
        popAndServe();
        assertThat(redis.hasKey(Keys.dead(MODEL))).isFalse();
        popAndServe();
        assertThat(redis.opsForList().range(Keys.dead(MODEL), 0, -1)).containsExactly(id);
        assertThat(types(id)).containsExactly("start", "token", "restart", "token", "error");
        assertThat(event(id, -1).get("code").textValue()).isEqualTo("engine_failed");
        assertThat(state(id)).isEqualTo("done");
        assertThat(waiting()).isEmpty();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aPromptThatIsTooLongIsTheClientsErrorAndNotTriedAgain() throws Exception {
        submit(request(id, "prompt too long"));
        popAndServe();
        assertThat(types(id)).containsExactly("start", "error");
        assertThat(event(id, -1).get("code").textValue()).isEqualTo("prompt_too_long");
        assertThat(event(id, -1).get("field").textValue()).isEqualTo("prompt");
        assertThat(redis.hasKey(Keys.dead(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aJobThatEndedWhileItWaitedIsNotServed() throws Exception {
        submit(request(id, "Hello"));
        ledger.end(id, new LastEvent("{\"type\":\"complete\",\"seq\":", "}", "}"), "cancelled");
        popAndServe();
        assertThat(types(id)).containsExactly("complete");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aJobThatIsInLineTwiceRunsOnceAndKeepsItsLease() throws Exception {
        submit(request(id, "hang"));
        String ticket = pop();
        Thread slot = new Thread(() -> step("worker-claim", ticket));
        slot.start();
        try {
            await().until(() -> types(id).equals(List.of("start", "token")));
            ledger.enqueue(id, MODEL, new Arrival("", 2, 10, 0), null, null);
            popAndServe();
            assertThat(types(id)).containsExactly("start", "token");
            assertThat(redis.opsForZSet().score(Keys.running(MODEL), id))
                    .as("the first slot's lease")
                    .isNotNull();
        } finally {
            cancelRunning();
            slot.join();
        }
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(types(id)).containsExactly("start", "token", "complete");
    }

    @Test
    void cancellingARunningJobStopsItsEngineThroughTheWorkersChannel() throws Exception {
        submit(request(id, "hang"));
        String ticket = pop();
        Thread slot = new Thread(() -> step("worker-claim", ticket));
        slot.start();
        await().until(() -> types(id).contains("token"));
        cancelRunning();
        slot.join();
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    private void cancelRunning() {
        assertThat(ledger.end(id, new LastEvent("{", "}", "}"), "cancelled").worker())
                .isEqualTo("routes-test");
        redis.convertAndSend(Keys.workerChannel("routes-test"), "cancelled " + id);
    }

    @Test
    void theSlotPopsAndServesWhatComes() throws Exception {
        camel.getRouteController().startRoute("worker-slot-1");
        submit(request(id, "Hello"));
        await().until(() -> state(id).equals("done"));
        assertThat(text(id)).isEqualTo("You said: Hello");
        await().until(() -> !redis.hasKey(Keys.running(MODEL)));
    }

    @Test
    void badMessagesAreAnsweredAndTheConnectionStays() throws Exception {
        Door door = new Door();
        door.say("nonsense");
        door.say("{\"prompt\":\"x\",\"max_tokens\":101,\"request_id\":\"" + id + "\"}");
        door.say("{\"type\":\"cancel\",\"request_id\":\"no-such-job\"}");
        door.say("{\"type\":\"resume\",\"request_id\":\"no-such-job\"}");
        door.say("{\"prompt\":\"x\",\"model\":\"other\"}");
        await().until(() -> door.frames.size() == 5);
        assertThat(door.frames).allMatch(frame -> frame.startsWith("{\"type\":\"error\","));
        assertThat(door.frames)
                .anyMatch(frame -> frame.contains("\"request_id\":\"" + id + "\",\"code\":\"invalid_request\","
                        + "\"error\":\"max_tokens must be between 1 and 100\",\"field\":\"max_tokens\""));
        assertThat(door.frames).filteredOn(frame -> frame.contains("not_found")).hasSize(3);
        assertThat(redis.keys("flux:*")).allMatch(key -> key.startsWith("flux:{models}:"));
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 6);
        assertThat(door.frames.get(5)).contains("\"type\":\"ticket\"", "\"position\":1");
        popAndServe();
        await().until(() -> door.frames.size() == 9);
        assertThat(door.frames.subList(6, 9))
                .isEqualTo(ledger.read(id, 0, 10).entries().stream()
                        .map(JournalEntry::frame)
                        .toList());
        door.close();
    }

    @Test
    void aFailureInTheMiddleIsAnsweredWithoutDetailsAndTheConnectionStays() throws Exception {
        AdviceWith.adviceWith(
                camel, "gateway-resume", route -> route.weaveAddFirst().process(exchange -> {
                    throw new IllegalStateException("/secret/path");
                }));
        Door door = new Door();
        try {
            door.say("{\"type\":\"resume\",\"request_id\":\"" + id + "\"}");
            await().until(() -> door.frames.size() == 1);
            assertThat(door.frames.get(0))
                    .isEqualTo("{\"type\":\"error\",\"request_id\":\"" + id + "\",\"code\":\"internal_error\","
                            + "\"error\":\"something went wrong in Flux\"}");
        } finally {
            AdviceWith.adviceWith(
                    camel, "gateway-resume", route -> route.weaveByType(org.apache.camel.model.ProcessDefinition.class)
                            .remove());
        }
        door.say("{\"type\":\"resume\",\"request_id\":\"no-such-job\"}");
        await().until(() -> door.frames.size() == 2);
        assertThat(door.frames.get(1)).contains("not_found");
        door.close();
    }

    @Test
    void cancellingAWaitingJobEndsItAndTakesItFromTheQueue() throws Exception {
        Door door = new Door();
        submit(request("first", "Hello"));
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        door.say("{\"type\":\"cancel\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.stream().anyMatch(frame -> frame.contains("\"finish_reason\":\"cancelled\"")));
        await().untilAsserted(() -> assertThat(waiting()).containsExactly("first"));
        door.close();
    }

    @Test
    void whoWaitsHearsWhenItMovesUp() throws Exception {
        Door door = new Door();
        submit(request("first", "Hello"));
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        assertThat(door.frames.get(0)).contains("\"position\":2");
        popAndServe();
        await().until(() -> door.frames.size() == 2);
        assertThat(door.frames.get(1))
                .isEqualTo("{\"type\":\"position\",\"request_id\":\"" + id + "\",\"position\":1}");
        door.close();
    }

    @Test
    void aClientThatIsGoneIsForgotten() throws Exception {
        Door door = new Door();
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        assertThat(redis.opsForSet().members(Keys.followers(id))).containsExactly("flux:gateway:routes-test");
        int open = hub.connections();
        door.close();
        await().until(() -> hub.connections() == open - 1);
        await().until(() -> !redis.hasKey(Keys.followers(id)));
    }

    @Test
    void aParameterThatWouldBeAnExecHeaderIsRefusedBeforeTheUpgrade() {
        assertThatThrownBy(() -> client.newWebSocketBuilder()
                        .buildAsync(
                                URI.create("ws://127.0.0.1:" + http.port()
                                        + "/ws/generate?CamelExecCommandExecutable=/usr/bin/id"),
                                new WebSocket.Listener() {})
                        .get(10, TimeUnit.SECONDS))
                .hasMessageContaining("WebSocketHandshakeException");
    }

    @Test
    void theQueuesStateIsServed() throws Exception {
        submit(request("a", "Hello"));
        submit(request("b", "Hello"));
        HttpResponse<String> status = get("/queue/status");
        assertThat(status.statusCode()).isEqualTo(200);
        assertThat(mapper.readTree(status.body()))
                .isEqualTo(mapper.readTree("{\"queue_length\":2,\"running\":0,\"models\":[{\"model\":\"routes-test\","
                        + "\"waiting\":2,\"running\":0,\"dead\":0}]}"));
    }

    @Test
    void healthSaysWhichRouteIsDown() throws Exception {
        HttpResponse<String> health = get("/health");
        assertThat(health.statusCode()).isEqualTo(503);
        assertThat(mapper.readTree(health.body()).at("/checks/routes").textValue())
                .matches("route (worker-slot-1|common-reap) is stopped");
        assertThat(get("/health/live").statusCode()).isEqualTo(503);
        camel.getRouteController().startRoute("common-reap");
        camel.getRouteController().startRoute("worker-slot-1");
        assertThat(get("/health").body())
                .isEqualTo(
                        "{\"status\":\"up\",\"checks\":{\"redis\":\"up\",\"routes\":\"up\",\"descriptors\":\"up\",\"worker\":\"up\"}}");
        assertThat(get("/health/live").body()).isEqualTo("{\"status\":\"up\",\"checks\":{\"routes\":\"up\"}}");
    }

    @Test
    void metricsCountWhatEnded() throws Exception {
        submit(request(id, "Hello"));
        popAndServe();
        HttpResponse<String> metrics = get("/metrics");
        assertThat(metrics.statusCode()).isEqualTo(200);
        assertThat(metrics.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
        assertThat(metrics.body())
                .contains("flux_jobs_total{model=\"routes-test\",outcome=\"stop\"}")
                .contains("flux_jobs_waiting{model=\"routes-test\"} 0")
                .contains("flux_tokens_total{model=\"routes-test\"}")
                .contains("flux_sockets");
    }

    /** Advice at the edge: what leaves the dead-letter route. */
    @Test
    void theDeadLetterIsPushedOnceForEachDeadJob() throws Exception {
        AdviceWith.adviceWith(camel, "worker-dead-letter", CamelRoutesTest::tap);
        MockEndpoint dead = camel.getEndpoint("mock:dead", MockEndpoint.class);
        dead.expectedMessageCount(1);
        dead.expectedVariableReceived("id", id);
        try {
            submit(request(id, "fail always"));
            popAndServe();
            popAndServe();
            dead.assertIsSatisfied();
            assertThat(redis.opsForList().range(Keys.dead(MODEL), 0, -1)).containsExactly(id);
        } finally {
            AdviceWith.adviceWith(
                    camel, "worker-dead-letter", route -> route.weaveById("tap").remove());
        }
    }

    private static void tap(AdviceWithRouteBuilder route) {
        route.weaveAddLast().to("mock:dead").id("tap");
    }

    @Test
    void aJobWhoseTimeIsOverWhenItIsPoppedIsNotGivenToAnEngine() throws Exception {
        submit(request(id, "Hello", 60_000L, OnDisconnect.GRACE));
        redis.opsForHash().put(Keys.job(id), "deadline_ms", "1");
        popAndServe();
        assertThat(types(id)).containsExactly("complete");
        assertThat(event(id, 0).get("seq").intValue()).isEqualTo(1);
        assertThat(event(id, 0).get("finish_reason").textValue()).isEqualTo("deadline");
        assertThat(state(id)).isEqualTo("done");
        assertThat(runs()).isEmpty();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.deadlines(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.followed(MODEL))).isFalse();
    }

    @Test
    void aJobWhoseTimeIsOverWhileItRunsIsStopped() throws Exception {
        submit(request(id, "hang", 1_000L, OnDisconnect.GRACE));
        popAndServe();
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("deadline");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void theNextAttemptIsAskedForTheTokensThatAreLeft() throws Exception {
        submit(request(id, "fail once"));
        popAndServe();
        popAndServe();
        assertThat(runs()).hasSize(2);
        assertThat(runs().get(0)).contains("-n 50 ");
        assertThat(runs().get(1)).as("'half' is four tokens to this tokenizer").contains("-n 46 ");
    }

    @Test
    void anAnswerWhoseTokensWereUsedUpByEarlierAttemptsIsWholeWithoutAnEngine() throws Exception {
        submit(Requests.prompt(id, MODEL, "fail once", 4));
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token");
        assertThat(runs()).hasSize(1);
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token", "restart", "complete");
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("length");
        assertThat(text(id)).isEqualTo("half");
        assertThat(runs()).as("no engine for the second attempt").hasSize(1);
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aJobThatIsToBeStoppedBeforeItsEngineRunsIsStoppedWhenItDoes() throws Exception {
        submit(request(id, "hang"));
        AdviceWith.adviceWith(camel, "worker-generate", route -> route.weaveAddFirst()
                .process(exchange -> cancelRunning())
                .id("stop"));
        try {
            popAndServe();
        } finally {
            AdviceWith.adviceWith(
                    camel, "worker-generate", route -> route.weaveById("stop").remove());
        }
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
    }

    @Test
    void whoWaitsHearsHowLongItTakesOnceThePaceIsKnown() throws Exception {
        Door door = new Door();
        submit(request("first", "Hello"));
        redis.opsForHash().put(Keys.pace(MODEL), "mean_ms", "1500.5");
        redis.opsForZSet().add(Keys.running(MODEL), "runs", 1);
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        assertThat(door.frames.get(0)).contains("\"position\":2,\"eta_ms\":3000");
        ledger.remove("first", MODEL);
        await().until(() -> door.frames.size() == 2);
        assertThat(door.frames.get(1))
                .isEqualTo("{\"type\":\"position\",\"request_id\":\"" + id + "\",\"position\":1,\"eta_ms\":1500}");
        door.close();
    }

    @Test
    void aJobThatIsToBeCancelledWhenNobodyFollowsItEndsWithItsConnection() throws Exception {
        Door door = new Door();
        submit(request("first", "Hello"));
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\",\"on_disconnect\":\"cancel\"}");
        await().until(() -> door.frames.size() == 1);
        door.close();
        await().until(() -> state(id).equals("done"));
        await().untilAsserted(() -> assertThat(waiting()).containsExactly("first"));
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
    }

    @Test
    void anotherConnectionKeepsSuchAJobAlive() throws Exception {
        Door leaves = new Door();
        Door stays = new Door();
        leaves.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\",\"on_disconnect\":\"cancel\"}");
        await().until(() -> leaves.frames.size() == 1);
        stays.say("{\"type\":\"resume\",\"request_id\":\"" + id + "\"}");
        await().until(() -> !stays.frames.isEmpty()); // the ticket; a position may follow at once
        int open = hub.connections();
        leaves.close();
        await().until(() -> hub.connections() == open - 1);
        popAndServe();
        await().until(() -> stays.frames.stream().anyMatch(frame -> frame.contains("\"type\":\"complete\"")));
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("stop");
        stays.close();
    }

    @Test
    void aRunningJobThatNobodyFollowsAnyMoreAndThatWantsItIsStopped() throws Exception {
        Door door = new Door();
        door.say("{\"prompt\":\"hang\",\"request_id\":\"" + id + "\",\"on_disconnect\":\"cancel\"}");
        await().until(() -> door.frames.size() == 1);
        String ticket = pop();
        Thread slot = new Thread(() -> step("worker-claim", ticket));
        slot.start();
        await().until(() -> types(id).contains("token"));
        door.close();
        slot.join();
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    private Refusal refusal(JobRequest request) {
        Throwable failure = org.assertj.core.api.Assertions.catchThrowable(() -> submit(request));
        while (failure != null && !(failure instanceof Refusal)) {
            failure = failure.getCause();
        }
        assertThat(failure).isNotNull();
        return (Refusal) failure;
    }
}
