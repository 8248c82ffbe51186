package io.flux.engine;

import static io.flux.engine.FakeEngines.drain;
import static io.flux.engine.FakeEngines.end;
import static io.flux.engine.FakeEngines.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.ChatMessage;
import io.flux.job.JobRequest;
import io.flux.model.ModelSpec;
import io.flux.model.ModelSpec.Continuation;
import io.flux.model.Secret;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kamelet.KameletComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The shipped kamelet {@code openai}, with real sockets and a server that stands for those that are not on this machine:
 * OpenAI, vLLM, proxies. What they answer is written down here as they are documented to. The real llama-server is
 * {@code OpenAiEngineIT}'s.
 */
@Timeout(8)
class OpenAiTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String KEY = "sk-very-secret-key";
    private static final String STOP = "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}";
    private static final String USAGE =
            "{\"choices\":[],\"usage\":{\"prompt_tokens\":14,\"completion_tokens\":5,\"total_tokens\":19}}";
    private static final OpenAiServer.Pauses PAUSES =
            new OpenAiServer.Pauses(Duration.ofMinutes(1), Duration.ofMinutes(3), Duration.ofMinutes(5));

    @TempDir
    Path folder;

    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final Engines engines = new Engines();
    private final LiveHttp http = new LiveHttp(engines);
    private final List<String> gateSaid = new CopyOnWriteArrayList<>();
    private FakeServer server;
    private OpenAi openai;
    private Exchange exchange;
    private Secret key = Secret.of(KEY);
    private Continuation continuation = Continuation.NO;
    private OpenAiServer.Pauses pauses = PAUSES;

    @AfterEach
    void stop() throws IOException {
        engines.close();
        camel.close();
        http.close();
        if (openai != null) {
            openai.close();
        }
        if (server != null) {
            server.close();
        }
    }

    @Test
    void textComesAsTheServerSendsItAndTheCountsWithTheEnd() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        serve((request, answer) -> {
            answer.begin()
                    .event("{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null},"
                            + "\"finish_reason\":null}],\"usage\":null}")
                    .event(delta("Salt"));
            first.await();
            answer.event(delta(" and grüße"))
                    .event(STOP)
                    .event(USAGE)
                    .event("[DONE]")
                    .end();
        });
        EngineStream stream = ask(job());
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        first.countDown();
        assertThat(stream.next()).isEqualTo(new EngineText(" and grüße", 0));
        EngineEnd end = (EngineEnd) stream.next();
        assertThat(end.finish()).isEqualTo(FinishReason.STOP);
        assertThat(end.promptTokens()).isEqualTo(14);
        assertThat(end.completionTokens()).isEqualTo(5);
        assertThat(engines.running()).isZero();
        assertThat(gate().problem()).isNull();
    }

    /** As llama-server does, which says that it keeps the connection. */
    @Test
    void aConnectionThatTheServerClosesAfterAnAnswerIsNotUsedAgain() throws Exception {
        serve((request, answer) -> {
            answer.begin().event(delta("Salt")).event(STOP).event("[DONE]").end();
            throw new IOException("closed");
        });
        for (int i = 0; i < 3; i++) {
            assertThat(text(drain(ask(job())))).isEqualTo("Salt");
            await().until(() -> server.open() == 0);
        }
    }

    @Test
    void aRequestIsOneOfOpenAis() throws Exception {
        answering(delta("Salt"), STOP);
        drain(ask(job()));
        FakeServer.Request request = server.requests.get(0);
        assertThat(request.head())
                .startsWith("post /v1/chat/completions http/1.1\r\n")
                .contains("\r\nauthorization: bearer " + KEY + "\r\n")
                .contains("\r\naccept: text/event-stream\r\n")
                .contains("\r\ncontent-type: application/json\r\n")
                .doesNotContain("x-flux")
                .doesNotContain("camel")
                .doesNotContain("left-over");
        assertThat(JSON.readTree(request.body()))
                .isEqualTo(
                        JSON.readTree(
                                """
                                {"model": "upstream/model", "messages": [{"role": "user", "content": "Write me a poem"}],
                                 "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 128}"""));
    }

    @Test
    void whatTheClientNamedIsInTheRequest() throws Exception {
        answering(delta("Salt"), STOP);
        drain(ask(new EngineJob(
                new JobRequest(
                        "request-1",
                        "default",
                        null,
                        List.of(new ChatMessage("system", "Be kurz"), new ChatMessage("user", "Grüße, 你好")),
                        7,
                        0.5,
                        0.9,
                        40,
                        0.05,
                        4294967295L,
                        List.of("1", "2", "3", "4", "5"),
                        JSON.readTree("{\"type\":\"object\"}"),
                        null,
                        null,
                        null,
                        null,
                        null,
                        false),
                1,
                Transcript.EMPTY,
                null)));
        assertThat(JSON.readTree(server.requests.get(0).body()))
                .isEqualTo(
                        JSON.readTree(
                                """
                                {"model": "upstream/model",
                                 "messages": [{"role": "system", "content": "Be kurz"}, {"role": "user", "content": "Grüße, 你好"}],
                                 "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 7,
                                 "temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "seed": 4294967295,
                                 "stop": ["1", "2", "3", "4"],
                                 "response_format": {"type": "json_schema",
                                   "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}}}"""));
    }

    @Test
    void withoutAKeyNoneIsSent() throws Exception {
        key = null;
        answering(delta("Salt"), STOP);
        assertThat(text(drain(ask(job())))).isEqualTo("Salt");
        assertThat(server.requests.get(0).head()).doesNotContain("authorization");
    }

    @Test
    void aKeyThatChangedIsNoticed() throws Exception {
        Path file = Files.writeString(folder.resolve("key"), "sk-first\n");
        key = Secret.ofFile(file);
        answering(delta("Salt"), STOP);
        drain(ask(job()));
        Files.writeString(file, "sk-second\n");
        drain(ask(job()));
        assertThat(server.requests.get(0).head()).contains("bearer sk-first\r\n");
        assertThat(server.requests.get(1).head()).contains("bearer sk-second\r\n");
    }

    @Test
    void aKeyThatIsGoneClosesTheGateAndBurnsNoJob() throws Exception {
        Path file = folder.resolve("key");
        key = Secret.ofFile(file);
        answering(delta("Salt"), STOP);
        assertUnavailable(end(drain(ask(job()))));
        assertThat(gate().problem()).contains(file.toString(), "key_file");
        assertThat(server.requests).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"PREFILL", "FINAL_MESSAGE"})
    void aTextThatWasShownIsTheLastMessage(Continuation how) throws Exception {
        continuation = how;
        answering(delta(" and foam"), STOP);
        assertThat(text(drain(ask(later("Salt", 3))))).isEqualTo(" and foam");
        JsonNode body = JSON.readTree(server.requests.get(0).body());
        assertThat(body.path("messages"))
                .isEqualTo(JSON.readTree("[{\"role\":\"user\",\"content\":\"Write me a poem\"},"
                        + "{\"role\":\"assistant\",\"content\":\"Salt\"}]"));
        assertThat(body.path("max_tokens").asInt()).isEqualTo(125);
        assertThat(body.has("continue_final_message")).isEqualTo(how == Continuation.FINAL_MESSAGE);
        assertThat(body.path("continue_final_message").asBoolean()).isEqualTo(how == Continuation.FINAL_MESSAGE);
        assertThat(body.path("add_generation_prompt").asBoolean(true)).isEqualTo(how == Continuation.PREFILL);
    }

    @Test
    void aRawPromptIsCompletedAndNoConversation() throws Exception {
        answering(
                "{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\" and foam\",\"finish_reason\":null}]}",
                "{\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}",
                USAGE);
        List<EngineOutput> outputs = drain(ask(raw("Roses: ", new Transcript("salt", 3))));
        assertThat(text(outputs)).isEqualTo(" and foam");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.LENGTH);
        assertThat(end(outputs).completionTokens()).isEqualTo(5);
        FakeServer.Request request = server.requests.get(0);
        assertThat(request.head()).startsWith("post /v1/completions http/1.1\r\n");
        assertThat(JSON.readTree(request.body()))
                .isEqualTo(
                        JSON.readTree(
                                """
                                {"model": "upstream/model", "stream": true, "stream_options": {"include_usage": true},
                                 "prompt": "Roses: salt", "max_tokens": 125}"""));
    }

    @Test
    void aModelThatCompletesNoRawPromptsIsNotPausedForThoseWhoChat() throws Exception {
        serve((request, answer) -> answer.whole(404, "{\"error\":{\"message\":\"This is a chat model\"}}"));
        EngineFailure failure =
                end(drain(ask(raw("Roses: ", Transcript.EMPTY)))).failure();
        assertThat(failure.clientError()).isTrue();
        assertThat(failure.field()).isEqualTo("raw");
        assertThat(gate().problem()).isNull();
    }

    @Test
    void aJobWhoseTokensAreUsedUpAsksNobody() throws Exception {
        continuation = Continuation.PREFILL;
        answering(delta("Salt"), STOP);
        assertThat(end(drain(ask(later("Salt", 128)))).finish()).isEqualTo(FinishReason.LENGTH);
        assertThat(server.requests).isEmpty();
        assertThat(engines.running()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"stop,STOP", "length,LENGTH", "content_filter,STOP", "eos,STOP"})
    void theServersReasonToEndIsFluxs(String said, FinishReason meant) throws Exception {
        answering("{\"choices\":[{\"delta\":{\"content\":\"Salt\"},\"finish_reason\":\"" + said + "\"}]}");
        List<EngineOutput> outputs = drain(ask(job()));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertThat(end(outputs).finish()).isEqualTo(meant);
    }

    @Test
    void thoughtsAreNoPartOfTheAnswer() throws Exception {
        answering("{\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm.\",\"content\":null}}]}", delta("Salt"), STOP);
        assertThat(text(drain(ask(job())))).isEqualTo("Salt");
    }

    @Test
    void anAnswerThatIsDoneWithoutAReasonIsWhole() throws Exception {
        answering(delta("Salt"), "[DONE]");
        assertThat(end(drain(ask(job()))).finish()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void anAnswerThatEndsWithoutASayingSoIsAFailedAttempt() throws Exception {
        answering(delta("Salt"));
        assertFailed(end(drain(ask(job()))));
    }

    @Test
    void anErrorInTheMiddleIsAFailedAttempt() throws Exception {
        answering(delta("Salt"), "{\"error\":{\"message\":\"CUDA out of memory " + KEY + "\",\"code\":500}}");
        List<EngineOutput> outputs = drain(ask(job()));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertFailed(end(outputs));
        assertThat(end(outputs).stderrTail()).contains("CUDA out of memory").doesNotContain(KEY);
    }

    @Test
    void aServerThatGivesUpIsAFailedAttempt() throws Exception {
        answering(delta("Salt"), "{\"choices\":[{\"delta\":{},\"finish_reason\":\"abort\"}]}", "[DONE]");
        assertFailed(end(drain(ask(job()))));
    }

    @Test
    void aConnectionThatBreaksInTheMiddleIsAFailedAttemptAndClosesNoGate() throws Exception {
        serve((request, answer) -> {
            answer.begin().event(delta("Salt"));
            throw new IOException("the server dies");
        });
        assertFailed(end(drain(ask(job()))));
        assertThat(gate().problem()).isNull();
    }

    @Test
    void aServerThatDoesNotStreamIsUnderstood() throws Exception {
        String whole =
                """
                {
                  "choices": [{"index": 0, "finish_reason": "length",
                    "message": {"role": "assistant", "content": "Salt\\nand foam"}}],
                  "usage": {"prompt_tokens": 14, "completion_tokens": 5}
                }""";
        serve((request, answer) -> answer.whole(200, whole));
        List<EngineOutput> outputs = drain(ask(job()));
        assertThat(text(outputs)).isEqualTo("Salt\nand foam");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.LENGTH);
        assertThat(end(outputs).completionTokens()).isEqualTo(5);
        continuation = Continuation.PREFILL;
    }

    @Test
    void whatAServerRepeatsThatDoesNotStreamIsNotShownAgain() throws Exception {
        continuation = Continuation.PREFILL;
        serve((request, answer) -> answer.whole(
                200, "{\"choices\":[{\"message\":{\"content\":\"Salt and foam\"},\"finish_reason\":\"stop\"}]}"));
        assertThat(text(drain(ask(later("Salt", 1))))).isEqualTo(" and foam");
    }

    @Test
    void anErrorWithStatus200IsAFailedAttempt() throws Exception {
        serve((request, answer) -> answer.whole(200, "{\"error\":{\"message\":\"no backend\"}}"));
        assertFailed(end(drain(ask(job()))));
    }

    @Test
    void aWebPageClosesTheGate() throws Exception {
        serve((request, answer) -> answer.raw("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
                + "Content-Length: 13\r\n\r\n<html></html>"));
        assertUnavailable(end(drain(ask(job()))));
        assertThat(gate().problem()).contains("web page", "address");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | {'error':{'message':'bad thing','type':'invalid_request_error','param':'top_k','code':null}} | top_k",
                "400 | {'error':{'message':'bad thing','param':'max_completion_tokens'}} | max_tokens",
                "400 | {'error':{'message':'bad thing','param':'messages[0].content'}} | prompt",
                "400 | {'object':'error','message':'bad thing','type':'BadRequestError','param':null,'code':400} |",
                "422 | {'detail':[{'loc':['body'],'msg':'bad thing'}]} |",
                "400 | {'error':'bad thing'} |",
                "400 | bad thing |",
                "418 | bad thing |",
                "403 | {'error':{'message':'bad thing','code':'content_policy_violation'}} |"
            })
    void whatTheServerHasAgainstTheRequestTheClientIsTold(int status, String body, String field) throws Exception {
        refusing(status, "", body.replace('\'', '"'));
        EngineEnd end = end(drain(ask(job())));
        assertThat(end.failure().code()).isEqualTo("invalid_request");
        assertThat(end.failure().clientError()).isTrue();
        assertThat(end.failure().field()).isEqualTo(field);
        assertThat(end.failure().message()).contains("bad thing");
        assertThat(gate().problem()).isNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | {'error':{'message':'too many','type':'invalid_request_error','param':'messages','code':'context_length_exceeded'}}",
                "400 | {'error':{'code':400,'message':'no','type':'exceed_context_size_error','n_prompt_tokens':900,'n_ctx':512}}",
                "400 | {'message':'This model`s maximum context length is 4096 tokens. However, your prompt has 5000'}",
                "413 | <html>nginx</html>"
            })
    void aPromptThatIsTooLongIsCalledSo(int status, String body) throws Exception {
        refusing(status, "", body.replace('\'', '"'));
        EngineEnd end = end(drain(ask(job())));
        assertThat(end.failure().code()).isEqualTo("prompt_too_long");
        assertThat(end.failure().clientError()).isTrue();
        assertThat(end.failure().field()).isEqualTo("prompt");
        assertThat(end.failure().message()).doesNotContain("<");
    }

    @Test
    void aSchemaThatTheServerDoesNotTakeIsNamed() throws Exception {
        refusing(400, "", "{\"error\":{\"message\":\"Invalid schema for response_format\"}}");
        EngineEnd end = end(drain(ask(EngineJobs.constrained("{\"type\":\"nonsense\"}", null))));
        assertThat(end.failure().code()).isEqualTo("invalid_request");
        assertThat(end.failure().field()).isEqualTo("json_schema");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "401 | {'error':{'message':'Incorrect API key','code':'invalid_api_key'}} | is the key right (a configured value)?",
                "403 | {'error':{'message':'no access'}} | is the key right (a configured value)?",
                "404 | {'error':{'message':'no such model','code':'model_not_found'}} | is upstream/model a model of it",
                "404 | <html>nothing here</html> | the address right",
                "400 | {'error':{'message':'no such model','code':'model_not_found'}} | is upstream/model a model of it",
                "302 | moved | another address",
                "429 | {'error':{'message':'You exceeded your quota','type':'insufficient_quota'}} | exceeded your quota",
                "429 | {'error':{'message':'slow down'}} | answers 429 (slow down)",
                "503 | {'error':{'message':'Loading model','type':'unavailable_error','code':503}} | Loading model",
                "502 | <html>Bad gateway</html> | answers 502",
                "504 | | answers 504",
                "529 | {'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}} | Overloaded"
            })
    void whatIsNotTheClientsFaultClosesTheGateAndBurnsNoJob(int status, String body, String reason) throws Exception {
        refusing(status, "", body == null ? "" : body.replace('\'', '"'));
        assertUnavailable(end(drain(ask(job()))));
        assertThat(gate().problem()).startsWith(server.uri() + "/v1 ").contains(reason);
    }

    @Test
    void otherFaultsOfTheServerAreFailedAttempts() throws Exception {
        refusing(500, "", "{\"error\":{\"message\":\"boom\"}}");
        EngineEnd end = end(drain(ask(job())));
        assertFailed(end);
        assertThat(end.stderrTail()).contains("boom");
        assertThat(gate().problem()).isNull();
    }

    @Test
    void aServerThatCannotBeReachedClosesTheGate() throws Exception {
        int port;
        try (ServerSocket nobody = new ServerSocket(0)) {
            port = nobody.getLocalPort();
        }
        configure(URI.create("http://127.0.0.1:" + port + "/v1/"));
        assertUnavailable(end(drain(ask(job()))));
        assertThat(gate().problem()).contains("cannot be reached");
    }

    /** It may be the request that brought it down: the attempt counts, so that such a request does not come back forever. */
    @Test
    void aServerThatDiesOfARequestClosesTheGateAndTheAttemptCounts() throws Exception {
        serve((request, answer) -> {
            throw new IOException("the server dies");
        });
        assertFailed(end(drain(ask(job()))));
        assertThat(gate().problem()).contains("cannot be reached");
    }

    @Test
    void noRequestIsMadeDuringAPause() throws Exception {
        refusing(503, "", "");
        drain(ask(job()));
        assertUnavailable(end(drain(ask(job()))));
        assertThat(server.requests).hasSize(1);
    }

    @Test
    void theGateOpensWhenThePauseIsOverAndAnAnswerMakesTheNextOneShort() throws Exception {
        pauses = new OpenAiServer.Pauses(Duration.ofMillis(30), Duration.ofSeconds(1), Duration.ofMinutes(5));
        CopyOnWriteArrayList<Integer> statuses = new CopyOnWriteArrayList<>(List.of(503, 429, 200));
        serve((request, answer) -> {
            int status = statuses.remove(0);
            if (status == 200) {
                answer.begin().event(delta("Salt")).event(STOP).end();
            } else {
                answer.whole(status, "");
            }
        });
        for (int i = 0; i < 2; i++) {
            assertUnavailable(end(drain(ask(job()))));
            await().until(() -> gate().problem() == null);
        }
        assertThat(text(drain(ask(job())))).isEqualTo("Salt");
        assertThat(gateSaid).hasSize(4);
    }

    @ParameterizedTest
    @CsvSource({"0,,1", "1,,2", "3,,8", "9,,30", "200,,30", "0,20,20", "0,3600,300", "3,-5,8", "0,0,1"})
    void aPauseGrowsUnlessTheServerSaysHowLong(int failures, Integer asked, int seconds) {
        assertThat(OpenAiServer.Pauses.DEFAULT.after(failures, asked == null ? null : Duration.ofSeconds(asked)))
                .isEqualTo(Duration.ofSeconds(seconds));
    }

    @Test
    void slotsThatFailTogetherAreOneStep() throws Exception {
        pauses = new OpenAiServer.Pauses(Duration.ofMillis(300), Duration.ofMinutes(1), Duration.ofMinutes(5));
        CountDownLatch all = new CountDownLatch(4);
        serve((request, answer) -> {
            all.countDown();
            all.await();
            answer.whole(503, "");
        });
        List<CompletableFuture<List<EngineOutput>>> asked = List.of("a", "b", "c", "d").stream()
                .map(id -> CompletableFuture.supplyAsync(() -> drain(ask(FakeEngines.job(id, List.of())))))
                .toList();
        asked.forEach(outputs -> assertUnavailable(end(outputs.join())));
        // Four steps would be 2.4 s.
        await().atMost(Duration.ofMillis(1500)).until(() -> gate().problem() == null);
        assertThat(gateSaid).hasSize(2);
    }

    @Test
    void retryAfterIsKeptTo() throws Exception {
        pauses = new OpenAiServer.Pauses(Duration.ofMillis(1), Duration.ofMillis(1), Duration.ofMinutes(5));
        refusing(429, "Retry-After: 1\r\n", "");
        long asked = System.nanoTime();
        assertUnavailable(end(drain(ask(job()))));
        await().until(() -> gate().problem() == null);
        assertThat(Duration.ofNanos(System.nanoTime() - asked)).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 429, 500})
    void theKeyIsNowhereButInTheRequest(int status) throws Exception {
        refusing(status, "X-Echo: Bearer " + KEY + "\r\n", "{\"error\":{\"message\":\"you sent " + KEY + "\"}}");
        EngineEnd end = end(drain(ask(job())));
        assertThat(end.toString()).contains("you sent ***").doesNotContain(KEY);
        assertThat(String.valueOf(gate().problem())).doesNotContain(KEY);
        assertThat(exchange.getMessage().getHeaders()).isEmpty();
        assertThat(exchange.getVariables().toString() + exchange.getProperties())
                .doesNotContain(KEY);
        assertThat(new ModelSpec.Upstream(URI.create("http://h/v1"), "m", key, Continuation.NO).toString())
                .doesNotContain(KEY);
    }

    @Test
    void noHeaderIsLeftOfACallThatFailed() throws Exception {
        serve((request, answer) -> {
            throw new IOException("the server dies");
        });
        drain(ask(job()));
        assertThat(exchange.getMessage().getHeaders()).isEmpty();
    }

    @Test
    void aStopBeforeTheAnswerEndsTheRequestAndClosesNoGate() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        serve((request, answer) -> {
            asked.countDown();
            answer.awaitGone();
        });
        CompletableFuture<EngineStream> stream = CompletableFuture.supplyAsync(() -> ask(job()));
        asked.await();
        assertThat(engines.stop("request-1", StopReason.CANCELLED)).isTrue();
        assertThat(end(drain(stream.join())).finish()).isEqualTo(FinishReason.CANCELLED);
        await().until(() -> server.open() == 0);
        assertThat(gate().problem()).isNull();
    }

    @Test
    void aStopInTheMiddleOfAnAnswerClosesTheConnectionAtOnce() throws Exception {
        serve((request, answer) -> {
            answer.begin().event(delta("Salt"));
            answer.awaitGone();
        });
        EngineStream stream = ask(job());
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        CompletableFuture<EngineOutput> last = CompletableFuture.supplyAsync(stream::next);
        assertThat(engines.stop("request-1", StopReason.CANCELLED)).isTrue();
        assertThat(((EngineEnd) last.join()).finish()).isEqualTo(FinishReason.CANCELLED);
        await().until(() -> server.open() == 0);
    }

    @Test
    void theTimeOfAJobRunsWhileTheServerThinks() throws Exception {
        serve((request, answer) -> answer.awaitGone());
        EngineStream stream = ask(FakeEngines.job("r", List.of(), Duration.ofMillis(200)));
        assertThat(end(drain(stream)).finish()).isEqualTo(FinishReason.DEADLINE);
        await().until(() -> server.open() == 0);
        assertThat(gate().problem()).isNull();
    }

    @Test
    void moreStopTextsThanAServerTakesAreKeptToAllTheSame() throws Exception {
        answering(delta("Salt and foam"), STOP);
        List<EngineOutput> outputs = drain(ask(FakeEngines.job("r", List.of("1", "2", "3", "4", " foam"))));
        assertThat(text(outputs)).isEqualTo("Salt and");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://host/v1", "http://host:8000/v1/", "https://host", "http://[::1]:8000/v1"})
    void anAddressIsTakenWithAndWithoutASlash(String url) {
        key = null;
        OpenAiServer one = configure(URI.create(url));
        one.start();
        assertThat(one.address("/chat/completions")).isEqualTo(url.replaceFirst("/$", "") + "/chat/completions");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"https://me:word@host/v1", "https://host/v1?key=word", "https://host/v1#word", "file:/word"})
    void anAddressThatHoldsMoreIsRefusedAndNotShown(String url) {
        key = null;
        OpenAiServer one = configure(URI.create(url));
        assertThatThrownBy(one::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("FLUX_OPENAI_URL")
                .hasMessageNotContaining("word");
    }

    @Test
    void aKeyThatIsNotThereIsMissedAtTheStart() throws Exception {
        key = Secret.ofFile(folder.resolve("none"));
        assertThatThrownBy(configure(URI.create("http://h/v1"))::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(folder.resolve("none").toString())
                .hasMessageContaining("FLUX_OPENAI_KEY_FILE");
        key = Secret.ofEnvironment("FLUX_TEST_NO_SUCH_VARIABLE");
        assertThatThrownBy(configure(URI.create("http://h/v1"))::start)
                .hasMessageContaining("FLUX_TEST_NO_SUCH_VARIABLE holds no key");
        key = Secret.of("sk-1\nX-Other: header");
        assertThatThrownBy(configure(URI.create("http://h/v1"))::start)
                .hasMessageContaining("no header can have")
                .hasMessageNotContaining("sk-1");
    }

    private static String delta(String text) {
        return "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
                + text + "\"},\"finish_reason\":null}]}";
    }

    private static EngineJob job() {
        return FakeEngines.job();
    }

    private static EngineJob raw(String prompt, Transcript soFar) {
        return new EngineJob(
                new JobRequest(
                        "request-1",
                        "default",
                        prompt,
                        null,
                        128,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        true),
                2,
                soFar,
                null);
    }

    /** A second attempt, after a text that came in so many events. */
    private static EngineJob later(String shown, int events) {
        return new EngineJob(job().request(), 2, new Transcript(shown, events), null);
    }

    private static void assertFailed(EngineEnd end) {
        assertThat(end.failure()).isNotNull();
        assertThat(end.failure().code()).isEqualTo("engine_failed");
        assertThat(end.failure().retryable()).isTrue();
        assertThat(end.failure().clientError()).isFalse();
    }

    private static void assertUnavailable(EngineEnd end) {
        assertThat(end.failure()).isNotNull();
        assertThat(end.failure().code()).isEqualTo("engine_unavailable");
        assertThat(end.failure().retryable()).isTrue();
        assertThat(end.failure().clientError()).isFalse();
    }

    /** A server that answers with these events. */
    private void answering(String... events) throws IOException {
        serve((request, answer) -> {
            answer.begin();
            for (String event : events) {
                answer.event(event);
            }
            answer.end();
        });
    }

    /** A server that refuses. */
    private void refusing(int status, String headers, String body) throws IOException {
        serve((request, answer) -> answer.raw("HTTP/1.1 " + status + " Status\r\n" + headers + "Content-Length: "
                + body.length() + "\r\n\r\n" + body));
    }

    private void serve(FakeServer.Handler handler) throws IOException {
        server = new FakeServer(handler);
        configure(URI.create(server.uri() + "/v1"));
    }

    private OpenAiServer configure(URI url) {
        OpenAiServer one = new OpenAiServer(
                "default",
                new ModelSpec.Upstream(url, "upstream/model", key, continuation),
                JSON,
                pauses,
                Clock.systemUTC());
        openai = new OpenAi(engines, JSON, one);
        one.gate().onChange(() -> gateSaid.add(String.valueOf(one.gate().problem())));
        return one;
    }

    private EngineGate gate() {
        return openai.server("default").gate();
    }

    /** What {@code worker-generate} does. */
    private EngineStream ask(EngineJob job) {
        start();
        camel.getRegistry().bind("openai", openai);
        Exchange asked = camel.createProducerTemplate().send("direct:ask", message -> {
            message.getMessage().setHeader("Left-Over", "of an earlier step");
            message.getMessage().setBody(job);
        });
        exchange = asked;
        assertThat(asked.getException()).isNull();
        return asked.getMessage().getBody(EngineStream.class);
    }

    private synchronized void start() {
        if (camel.isStarted()) {
            return;
        }
        camel.getRegistry().bind("liveHttp", http);
        camel.getRegistry().bind("engines", engines);
        camel.getRegistry().bind("openai", openai);
        camel.getComponent("kamelet", KameletComponent.class).setLocation("file:routes/engines");
        camel.setStreamCaching(false);
        try {
            camel.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("direct:ask").to("kamelet:openai");
                }
            });
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        camel.start();
    }
}
