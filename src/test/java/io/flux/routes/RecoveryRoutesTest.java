package io.flux.routes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.FluxApplication;
import io.flux.job.OnDisconnect;
import io.flux.ledger.Ended;
import io.flux.ledger.Keys;
import io.flux.ledger.LastEvent;
import io.flux.ledger.Write;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.UseMainMethod;

/** How the shipped routes help jobs on that got stuck, and what becomes of those that cannot be helped. */
@SpringBootTest(
        classes = FluxApplication.class,
        useMainMethod = UseMainMethod.ALWAYS,
        properties = {
            "flux.id=recovery-test",
            "flux.queue-limit=3",
            "flux.attempts=2",
            "flux.backoff=1s",
            "flux.lease=1s",
            "flux.lease-renewal=250ms",
            "flux.reap=200ms",
            "flux.grace=1500ms",
            "flux.grace-renewal=300ms",
            "flux.ping=500ms"
        })
class RecoveryRoutesTest extends ShippedRoutes {
    private static final LastEvent LAST = new LastEvent("{\"type\":\"complete\",\"seq\":", "}", "}");

    // What ends from outside: common-end.

    @Test
    void aWaitingJobThatIsEndedIsToldSoAndLeavesEveryList() throws Exception {
        submit(request("first", "Hello"));
        submit(request(id, "Hello", 60_000L, OnDisconnect.GRACE));
        assertThat(end(id, "deadline").outcome()).isEqualTo(Ended.Outcome.ENDED);
        assertThat(types(id)).containsExactly("complete");
        assertThat(event(id, 0).get("seq").intValue()).isEqualTo(1);
        assertThat(event(id, 0).get("finish_reason").textValue()).isEqualTo("deadline");
        assertThat(event(id, 0).get("token_count").intValue()).isZero();
        assertThat(waiting()).containsExactly("first");
        assertThat(redis.opsForZSet().score(Keys.deadlines(MODEL), id)).isNull();
        assertThat(redis.opsForZSet().score(Keys.followed(MODEL), id)).isNull();
    }

    @Test
    void aRunningJobThatIsEndedHasItsEngineStopped() throws Exception {
        submit(request(id, "hang"));
        Thread slot = serve();
        await().until(() -> types(id).contains("token"));
        assertThat(end(id, "deadline").outcome()).isEqualTo(Ended.Outcome.RUNNING);
        slot.join();
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("deadline");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aJobThatRedisDoesNotKnowLeavesEveryListToo() {
        redis.opsForZSet().add(Keys.deadlines(MODEL), id, 1);
        redis.opsForZSet().add(Keys.followed(MODEL), id, 1);
        assertThat(end(id, "deadline").outcome()).isEqualTo(Ended.Outcome.UNKNOWN);
        assertThat(redis.hasKey(Keys.deadlines(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.followed(MODEL))).isFalse();
        assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
    }

    @Test
    void endingAJobTwiceEndsItOnce() throws Exception {
        submit(request(id, "Hello"));
        end(id, "cancelled");
        assertThat(end(id, "deadline").outcome()).isEqualTo(Ended.Outcome.DONE);
        assertThat(types(id)).containsExactly("complete");
        assertThat(event(id, 0).get("finish_reason").textValue()).isEqualTo("cancelled");
    }

    // What a job whose lease ran out comes to: common-recover.

    @Test
    void aJobWhoseWorkerDiedWaitsAtTheFrontAndTheNextWorkerContinuesItsText() throws Exception {
        submit(request(id, "fail once"));
        submit(request("later", "Hello"));
        runsElsewhere(1, "half");
        recover();
        assertThat(waiting()).containsExactly(id, "later");
        assertThat(state(id)).isEqualTo("queued");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(ledger.append(id, 1, 3, "{}")).as("the dead worker wakes up").isEqualTo(Write.FENCED);
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token", "restart", "token", "complete");
        assertThat(event(id, 2).get("attempt").intValue()).isEqualTo(2);
        assertThat(text(id)).isEqualTo("half whole");
    }

    @Test
    void recoveringAJobTwiceMovesItOnce() throws Exception {
        submit(request(id, "Hello"));
        runsElsewhere(1, "half");
        recover();
        step("common-recover", id);
        step("common-recover", id);
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void aJobThatKillsItsWorkersIsDeadLettered() throws Exception {
        submit(request(id, "Hello"));
        runsElsewhere(1, null);
        recover();
        assertThat(waiting()).containsExactly(id);
        runsElsewhere(2, null);
        recover();
        assertThat(waiting()).isEmpty();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(redis.opsForList().range(Keys.dead(MODEL), 0, -1)).containsExactly(id);
        assertThat(types(id)).containsExactly("start", "restart", "error");
        assertThat(event(id, -1).get("code").textValue()).isEqualTo("engine_failed");
        assertThat(event(id, -1).get("seq").intValue()).isEqualTo(3);
        JsonNode failure = json(ask("GET", "/queue/dead/" + id)).get("failure");
        assertThat(failure.get("attempts").intValue()).isEqualTo(2);
        assertThat(failure.get("error").textValue()).isEqualTo("the worker was lost, and no attempt is left");
    }

    @Test
    void aJobThatWasToBeStoppedWhenItsWorkerDiedEnds() throws Exception {
        submit(request(id, "Hello"));
        runsElsewhere(1, "half");
        assertThat(ledger.end(id, LAST, "cancelled").outcome()).isEqualTo(Ended.Outcome.RUNNING);
        recover();
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
        assertThat(waiting()).isEmpty();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aDeadJobWhoseWorkerDiedBeforeItWasOnTheListIsPutThere() throws Exception {
        submit(request(id, "Hello"));
        runsElsewhere(1, "half");
        ledger.die(id, 1, 3, "{\"type\":\"error\",\"seq\":3}", "engine_failed", "{}", Duration.ofHours(1));
        recover();
        assertThat(redis.opsForList().range(Keys.dead(MODEL), 0, -1)).containsExactly(id);
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(types(id)).containsExactly("start", "token", "error");
    }

    @Test
    void aJobWhoseWorkerDiedBetweenItsEndAndTheReleaseOfItsLeaseIsNotServedAgain() throws Exception {
        submit(request(id, "Hello", 60_000L, OnDisconnect.GRACE));
        runsElsewhere(1, "half");
        ledger.finish(id, 1, 3, "{\"type\":\"complete\",\"seq\":3}", "stop");
        recover();
        assertThat(waiting()).isEmpty();
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.deadlines(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.followed(MODEL))).isFalse();
    }

    // What the reaper finds: common-reap, on its timer.

    @Test
    void theReaperReplacesATicketWhoseWorkerDiedBeforeItClaimedAJob() throws Exception {
        submit(request(id, "Hello", null, OnDisconnect.FINISH));
        pop();
        reap();
        await().until(() -> redis.opsForList().size(Keys.waiting(MODEL)) == 1);
        camel.getRouteController().stopRoute("common-reap");
        popAndServe();
        assertThat(types(id)).as("no attempt was lost").containsExactly("start", "token", "complete");
    }

    @Test
    void theReaperFindsAJobWhoseLeaseRanOut() throws Exception {
        submit(request(id, "Hello", null, OnDisconnect.FINISH));
        runsElsewhere(1, "half");
        reap();
        await().until(() -> waiting().equals(List.of(id)));
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void theReaperEndsAWaitingJobWhoseTimeIsOver() throws Exception {
        submit(request(id, "Hello", 1L, OnDisconnect.FINISH));
        submit(request("later", "Hello", 3_600_000L, OnDisconnect.FINISH));
        reap();
        await().until(() -> state(id).equals("done"));
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("deadline");
        await().until(() -> waiting().equals(List.of("later")));
        assertThat(redis.opsForZSet().range(Keys.deadlines(MODEL), 0, -1)).containsExactly("later");
    }

    @Test
    void theReaperCancelsAJobThatNobodyFollowsAndNoOther() throws Exception {
        Door door = new Door();
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"followed\"}");
        await().until(() -> door.frames.size() == 1);
        submit(request("runs anyway", "Hello", null, OnDisconnect.FINISH));
        submit(request(id, "Hello", null, OnDisconnect.GRACE));
        reap();
        await().until(() -> state(id).equals("done"));
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
        await().until(() -> waiting().equals(List.of("followed", "runs anyway")));
        door.close();
        await().until(() -> state("followed").equals("done"));
        await().until(() -> waiting().equals(List.of("runs anyway")));
    }

    @Test
    void theReaperStopsARunningJobThatNobodyFollows() throws Exception {
        submit(request(id, "hang", null, OnDisconnect.GRACE));
        Thread slot = serve();
        await().until(() -> types(id).contains("token"));
        reap();
        slot.join();
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aFailedJobStaysOutOfTheQueueForAWhileAndTheReaperBringsItBack() throws Exception {
        submit(request(id, "fail once", null, OnDisconnect.FINISH));
        popAndServe();
        assertThat(waiting()).isEmpty();
        assertThat(state(id)).isEqualTo("queued");
        assertThat(redis.opsForZSet().score(Keys.running(MODEL), id)).isNotNull();
        reap();
        await().until(() -> waiting().equals(List.of(id)));
        camel.getRouteController().stopRoute("common-reap");
        popAndServe();
        assertThat(text(id)).isEqualTo("half whole");
    }

    @Test
    void aFailedJobThatIsCancelledBeforeItsNextAttemptEndsAtOnce() throws Exception {
        submit(request(id, "fail once"));
        popAndServe();
        assertThat(end(id, "cancelled").outcome()).isEqualTo(Ended.Outcome.ENDED);
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void theReaperForgetsDeadLettersThatHaveExpired() throws Exception {
        redis.opsForList().leftPush(Keys.dead(MODEL), "expired");
        reap();
        await().until(() -> !redis.hasKey(Keys.dead(MODEL)));
    }

    // What a worker notices by itself: worker-renew.

    @Test
    void aStopThatTheWorkersChannelMissedIsFound() throws Exception {
        submit(request(id, "hang"));
        Thread slot = serve();
        await().until(() -> types(id).contains("token"));
        assertThat(ledger.end(id, LAST, "cancelled").worker()).isEqualTo("recovery-test");
        slot.join();
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
    }

    @Test
    void aWorkerWhoseJobWasTakenFromItStopsAndWritesNoEnd() throws Exception {
        submit(request(id, "hang", null, OnDisconnect.FINISH));
        Thread slot = serve();
        await().until(() -> types(id).contains("token"));
        ledger.reclaim(id, Duration.ZERO, 2, 20);
        slot.join();
        assertThat(types(id)).containsExactly("start", "token");
        recover();
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void aRunningJobKeepsItsLeaseForLongerThanOneLease() throws Exception {
        submit(request(id, "hang", null, OnDisconnect.FINISH));
        Thread slot = serve();
        await().until(() -> types(id).contains("token"));
        submit(request("witness", "Hello", null, OnDisconnect.FINISH));
        pop();
        assertThat(ledger.claim(MODEL, "elsewhere", Duration.ofSeconds(1))).isEqualTo("witness");
        reap();
        await().until(() -> waiting().equals(List.of("witness")));
        assertThat(types(id)).containsExactly("start", "token");
        assertThat(redis.opsForZSet().range(Keys.running(MODEL), 0, -1)).containsExactly(id);
        end(id, "cancelled");
        slot.join();
    }

    @Test
    void aClientWhoseNetworkIsGoneIsNoticedAndItsJobEnds() throws Exception {
        String message = "{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\",\"on_disconnect\":\"cancel\"}";
        try (Socket mute = new Socket("127.0.0.1", http.port())) {
            mute.getOutputStream()
                    .write(("GET /ws/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                    + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(mute.getInputStream().read()).isEqualTo('H');
            mute.getOutputStream().write(new byte[] {(byte) 0x81, (byte) (0x80 | message.length()), 0, 0, 0, 0});
            mute.getOutputStream().write(message.getBytes(StandardCharsets.US_ASCII));
            await().until(() -> waiting().equals(List.of(id)));
            await().until(() -> state(id).equals("done"));
            assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
            await().until(() -> waiting().isEmpty());
        }
    }

    // Dead letters, over HTTP.

    @Test
    void deadLettersAreListedTheNewestFirst() throws Exception {
        assertThat(json(ask("GET", "/queue/dead"))).isEmpty();
        die("first");
        die(id);
        HttpResponse<String> answer = ask("GET", "/queue/dead");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("application/json");
        JsonNode list = json(answer);
        assertThat(list.findValuesAsText("request_id")).containsExactly(id, "first");
        assertThat(list.get(0).has("request")).isFalse();
        assertThat(list.get(0).at("/failure/code").textValue()).isEqualTo("engine_failed");
    }

    @Test
    void aDeadLetterSaysWhatWasAskedAndWhatWentWrong() throws Exception {
        die(id);
        HttpResponse<String> answer = ask("GET", "/queue/dead/" + id);
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode letter = json(answer);
        assertThat(letter.get("request_id").textValue()).isEqualTo(id);
        assertThat(letter.get("model").textValue()).isEqualTo(MODEL);
        assertThat(letter.get("created_ms").longValue()).isPositive();
        assertThat(letter.at("/request/prompt").textValue()).isEqualTo("fail always");
        assertThat(letter.at("/failure/attempts").intValue()).isEqualTo(2);
        assertThat(letter.at("/failure/exit_code").intValue()).isEqualTo(3);
        assertThat(letter.at("/failure/stderr").textValue()).isEqualTo("boom\n");
        assertThat(letter.at("/failure/worker").textValue()).isEqualTo("recovery-test");
        assertThat(letter.at("/failure/died_ms").longValue())
                .isGreaterThanOrEqualTo(letter.get("created_ms").longValue());
    }

    @Test
    void aReplayedDeadLetterIsANewJobThatNobodyNeedsToFollow() throws Exception {
        die(id);
        HttpResponse<String> answer = ask("POST", "/queue/dead/" + id + "/replay");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(json(answer))
                .isEqualTo(mapper.readTree("{\"request_id\":\"" + id + ".replay\",\"replays\":\"" + id + "\"}"));
        assertThat(waiting()).containsExactly(id + ".replay");
        assertThat(redis.opsForHash().get(Keys.job(id + ".replay"), "on_disconnect"))
                .isEqualTo("finish");
        assertThat(json(ask("GET", "/queue/dead"))).isEmpty();
        assertThat(types(id)).as("the job that died can be read still").contains("error");
        popAndServe();
        assertThat(types(id + ".replay")).containsExactly("start", "token");
    }

    @Test
    void aReplayThatWasInterruptedMayBeRepeated() throws Exception {
        die(id);
        ask("POST", "/queue/dead/" + id + "/replay");
        redis.opsForList().leftPush(Keys.dead(MODEL), id); // the gateway died before it left the list
        HttpResponse<String> again = ask("POST", "/queue/dead/" + id + "/replay");
        assertThat(again.statusCode()).isEqualTo(409);
        assertThat(json(again).get("error").textValue()).endsWith("was replayed before, as " + id + ".replay");
        assertThat(waiting()).containsExactly(id + ".replay");
        assertThat(redis.hasKey(Keys.dead(MODEL))).isFalse();
    }

    @Test
    void aDeadLetterThatFindsNoPlaceInTheQueueStaysOne() throws Exception {
        die(id);
        for (String other : List.of("a", "b", "c")) {
            submit(request(other, "Hello"));
        }
        HttpResponse<String> answer = ask("POST", "/queue/dead/" + id + "/replay");
        assertThat(answer.statusCode()).isEqualTo(429);
        assertThat(json(answer).get("code").textValue()).isEqualTo("overloaded");
        assertThat(redis.opsForList().range(Keys.dead(MODEL), 0, -1)).containsExactly(id);
        assertThat(redis.keys("flux:{" + id + ".replay}*")).isEmpty();
    }

    @Test
    void aDeletedDeadLetterIsGone() throws Exception {
        die(id);
        HttpResponse<String> answer = ask("DELETE", "/queue/dead/" + id);
        assertThat(answer.statusCode()).isEqualTo(204);
        assertThat(answer.body()).isEmpty();
        assertThat(redis.hasKey(Keys.dead(MODEL))).isFalse();
        assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        assertThat(ask("DELETE", "/queue/dead/" + id).statusCode()).isEqualTo(404);
    }

    @Test
    void whatIsNoDeadLetterIsNotFoundAndNotTouched() throws Exception {
        submit(request(id, "Hello"));
        for (String job : List.of(id, "no-such-job")) {
            for (HttpResponse<String> answer : List.of(
                    ask("GET", "/queue/dead/" + job),
                    ask("POST", "/queue/dead/" + job + "/replay"),
                    ask("DELETE", "/queue/dead/" + job))) {
                assertThat(answer.statusCode()).isEqualTo(404);
                assertThat(answer.headers().firstValue("Content-Type").orElse(""))
                        .startsWith("application/json");
                assertThat(answer.body())
                        .isEqualTo("{\"type\":\"error\",\"request_id\":\"" + job + "\",\"code\":\"not_found\","
                                + "\"error\":\"there is no dead letter " + job + "\",\"field\":\"request_id\"}");
            }
        }
        assertThat(waiting()).containsExactly(id);
        assertThat(state(id)).isEqualTo("queued");
    }

    private void reap() throws Exception {
        camel.getRouteController().startRoute("common-reap");
    }

    private Ended end(String job, String reason) {
        Exchange exchange = routes.send("direct:common-end", message -> {
            message.getMessage().setBody(job);
            message.setVariable("reason", reason);
            message.setVariable("model", MODEL);
        });
        assertThat(exchange.getException()).isNull();
        return exchange.getVariable("ended", Ended.class);
    }

    /** A slot of this worker, on a thread of its own. */
    private Thread serve() {
        String ticket = pop();
        Thread slot = new Thread(() -> step("worker-claim", ticket));
        slot.start();
        return slot;
    }

    /** An attempt of a worker that says nothing more; it has written its first event and, perhaps, a text. */
    private void runsElsewhere(int attempt, String text) {
        pop();
        assertThat(ledger.claim(MODEL, "elsewhere " + attempt, Duration.ofMillis(1)))
                .isEqualTo(id);
        long seq = ledger.start(id, "elsewhere", "elsewhere " + attempt).seq();
        String type = attempt == 1 ? "start" : "restart";
        ledger.append(id, attempt, ++seq, "{\"type\":\"" + type + "\",\"seq\":" + seq + "}");
        if (text != null) {
            ledger.append(id, attempt, ++seq, "{\"type\":\"token\",\"seq\":" + seq + ",\"content\":\"" + text + "\"}");
        }
    }

    /** What the reaper does when it finds that the lease has run out. */
    private void recover() {
        redis.opsForZSet().add(Keys.running(MODEL), id, 1);
        redis.opsForHash().put(Keys.job(id), "begun_ms", "1");
        step("common-recover", id);
    }

    private void die(String job) {
        submit(request(job, "fail always"));
        popAndServe();
        redis.opsForZSet().add(Keys.running(MODEL), job, 1); // the time until the next attempt is over
        step("common-recover", job);
        popAndServe();
        assertThat(redis.opsForList().index(Keys.dead(MODEL), 0)).isEqualTo(job);
    }

    private JsonNode json(HttpResponse<String> answer) throws Exception {
        return mapper.readTree(answer.body());
    }
}
