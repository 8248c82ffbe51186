package io.flux.engine;

import static io.flux.engine.FakeEngines.drain;
import static io.flux.engine.FakeEngines.end;
import static io.flux.engine.FakeEngines.job;
import static io.flux.engine.FakeEngines.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A call to a server through Camel's http component, as the engine kamelets make it. */
@Timeout(20)
class LiveHttpTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private final DefaultCamelContext camel = new DefaultCamelContext();
    private Engines engines;
    private LiveHttp http;
    private FakeServer server;

    /** Each event is its text; one that begins with '!' ends the answer, and {@code ?} is not understood. */
    private static final class Plain implements AnswerDecoder {
        private EngineEnd end;
        private int events;

        @Override
        public Integer promptTokens() {
            return 3;
        }

        @Override
        public Integer completionTokens() {
            return events;
        }

        @Override
        public String accept(String data) throws IOException {
            if (data.startsWith("?")) {
                throw new IOException("not understood");
            }
            if (data.startsWith("!")) {
                end = EngineEnd.finished(FinishReason.STOP, null, "");
                return "";
            }
            events++;
            return data;
        }

        @Override
        public EngineEnd end() {
            return end;
        }

        @Override
        public EngineFailure refusal(int status, String body) {
            return EngineFailure.invalid(null, status + " " + body);
        }
    }

    @BeforeEach
    void start() {
        start(LONG);
    }

    private void start(Duration stall) {
        engines = new Engines(stall);
        http = new LiveHttp(engines);
        camel.getRegistry().bind("liveHttp", http);
    }

    @AfterEach
    void stop() throws IOException {
        engines.close();
        camel.close();
        http.close();
        if (server != null) {
            server.close();
        }
    }

    @Test
    void textComesAsTheServerSendsItAndTheEndAfterIt() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        serve((request, answer) -> {
            answer.begin().event("Salt");
            first.await();
            answer.chunk(": ping\n\n").event(" and foam").event("!").end();
        });
        EngineStream stream = ask(job());
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        first.countDown();
        assertThat(stream.next()).isEqualTo(new EngineText(" and foam", 0));
        assertThat(((EngineEnd) stream.next()).finish()).isEqualTo(FinishReason.STOP);
        assertThat(engines.running()).isZero();
        assertThat(server.requests.get(0).body()).isEqualTo("{}");
        assertThat(server.requests.get(0).head()).doesNotContain("x-flux").doesNotContain("accept-encoding");
    }

    @Test
    void whatCameTogetherIsOnePiece() throws Exception {
        serve((request, answer) -> answer.begin()
                .chunk("data: Salt\n\ndata:  and\n\ndata:  foam\n\ndata: !\n\n")
                .end());
        List<EngineOutput> outputs = drain(ask(job()));
        assertThat(outputs).hasSize(2);
        assertThat(text(outputs)).isEqualTo("Salt and foam");
    }

    @Test
    void theEndIsSaidOnceTheServerSaysThatItIsDone() throws Exception {
        serve((request, answer) -> answer.begin()
                .chunk("data: Salt\n\ndata: !\n\ndata: [DONE]\n\n")
                .end());
        assertThat(end(drain(ask(job()))).finish()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void aServerThatIsDoneAndKeepsTheConnectionOpenHoldsTheSlotForAMomentOnly() throws Exception {
        serve((request, answer) -> {
            answer.begin().chunk("data: Salt\n\ndata: !\n\ndata: [DONE]\n\n");
            answer.awaitGone();
        });
        assertThat(end(drain(ask(job()))).finish()).isEqualTo(FinishReason.STOP);
        await().until(() -> server.open() == 0);
    }

    @Test
    void aStopTextEndsTheAnswerAndTheRequest() throws Exception {
        serve((request, answer) -> {
            answer.begin().event("Salt Us").event("er: more");
            answer.awaitGone();
        });
        List<EngineOutput> outputs = drain(ask(job("r", List.of(" User:"))));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(end(outputs).promptTokens()).isEqualTo(3);
        assertThat(end(outputs).completionTokens())
                .as("counted as far as was read")
                .isEqualTo(2);
        await().until(() -> server.open() == 0);
    }

    @Test
    void aStopEndsARequestThatIsNotAnsweredYet() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        serve((request, answer) -> {
            asked.countDown();
            answer.awaitGone();
        });
        CompletableFuture<EngineStream> stream = CompletableFuture.supplyAsync(() -> ask(job()));
        asked.await();
        assertThat(engines.stop("request-1", StopReason.CANCELLED)).isTrue();
        List<EngineOutput> outputs = drain(stream.join());
        assertThat(outputs).hasSize(1);
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.CANCELLED);
        await().until(() -> server.open() == 0);
    }

    @Test
    void aStopEndsAnAnswerInItsMiddle() throws Exception {
        serve((request, answer) -> {
            answer.begin().event("Salt");
            answer.awaitGone();
        });
        EngineStream stream = ask(job());
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        CompletableFuture<EngineOutput> last = CompletableFuture.supplyAsync(stream::next);
        assertThat(engines.stop("request-1", StopReason.HANDED_OVER)).isTrue();
        assertThat(((EngineEnd) last.join()).failure().code()).isEqualTo("handed_over");
        await().until(() -> server.open() == 0);
        assertThat(engines.running()).isZero();
    }

    @Test
    void aCallThatWasStoppedBeforeItsRequestSendsNone() throws Exception {
        serve((request, answer) -> answer.begin().event("Salt").event("!").end());
        EngineCall call = engines.call(job());
        engines.stop("request-1", StopReason.CANCELLED);
        assertThat(end(drain(ask(call, server.uri()))).finish()).isEqualTo(FinishReason.CANCELLED);
        assertThat(server.requests).isEmpty();
    }

    @Test
    void aCallThatIsOverSendsNoRequestAnyMore() throws Exception {
        serve((request, answer) -> answer.begin().event("!").end());
        EngineCall call = engines.call(job());
        drain(engines.notNeeded(call));
        ask(call, server.uri());
        assertThat(server.requests).isEmpty();
    }

    @Test
    void theTimeOfARequestRunsWhileTheServerThinks() throws Exception {
        serve((request, answer) -> answer.awaitGone());
        EngineStream stream = ask(job("r", List.of(), Duration.ofMillis(200)));
        assertThat(end(drain(stream)).finish()).isEqualTo(FinishReason.DEADLINE);
    }

    @Test
    void aServerThatDoesNotAnswerForTooLongIsStalled() throws Exception {
        engines.close();
        http.close();
        start(Duration.ofMillis(200));
        serve((request, answer) -> answer.awaitGone());
        assertThat(end(drain(ask(job()))).failure().code()).isEqualTo("engine_stalled");
    }

    @Test
    void anAnswerThatBreaksOffIsAFailedAttempt() throws Exception {
        serve((request, answer) -> {
            answer.begin().event("Salt");
            throw new IOException("the server dies");
        });
        List<EngineOutput> outputs = drain(ask(job()));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertThat(end(outputs).failure().code()).isEqualTo("engine_failed");
        assertThat(end(outputs).failure().retryable()).isTrue();
    }

    @Test
    void anAnswerThatEndsWithoutItsLastEventIsAFailedAttempt() throws Exception {
        serve((request, answer) -> answer.begin().event("Salt").end());
        assertThat(end(drain(ask(job()))).failure().code()).isEqualTo("engine_failed");
    }

    @Test
    void anEventThatIsNotUnderstoodEndsTheAnswerAfterTheTextBeforeIt() throws Exception {
        serve((request, answer) -> {
            answer.begin().chunk("data: Salt\n\ndata: ?\n\n");
            answer.awaitGone();
        });
        List<EngineOutput> outputs = drain(ask(job()));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertThat(end(outputs).failure().code()).isEqualTo("engine_failed");
        assertThat(end(outputs).stderrTail()).contains("not understood");
        await().until(() -> server.open() == 0);
    }

    @Test
    void aRefusalIsReadByWhoKnowsTheServer() throws Exception {
        serve((request, answer) -> answer.whole(400, "no such model"));
        EngineEnd end = end(drain(ask(job())));
        assertThat(end.failure().message()).isEqualTo("400 no such model");
        assertThat(end.failure().clientError()).isTrue();
        assertThat(end.stderrTail()).isEqualTo("HTTP 400 no such model");
    }

    @Test
    void aServerThatCannotBeReachedIsUnavailable() throws Exception {
        int port;
        try (ServerSocket nobody = new ServerSocket(0)) {
            port = nobody.getLocalPort();
        }
        EngineEnd end = end(drain(ask(engines.call(job()), URI.create("http://127.0.0.1:" + port))));
        assertThat(end.failure().code()).isEqualTo("engine_unavailable");
        assertThat(engines.running()).isZero();
    }

    @Test
    void aRequestIsNotSentAgainBySomethingThatNobodySees() throws Exception {
        serve((request, answer) -> {
            throw new IOException("the server dies");
        });
        EngineEnd end = end(drain(ask(job())));
        assertThat(end.failure().code()).isEqualTo("engine_failed");
        assertThat(end.failure().retryable()).isTrue();
        assertThat(server.requests).hasSize(1);
    }

    @Test
    void aConnectionServesOneRequestAfterTheOther() throws Exception {
        serve((request, answer) -> answer.whole(400, "no"));
        for (int i = 0; i < 5; i++) {
            drain(ask(job()));
        }
        assertThat(server.connections).hasValue(1);
    }

    @Test
    void aConnectionThatTheServerClosesAfterAnAnswerWithoutSayingSoIsNotUsedAgain() throws Exception {
        serve((request, answer) -> {
            answer.begin().event("Salt").event("!").end();
            throw new IOException("as llama-server does");
        });
        for (int i = 0; i < 5; i++) {
            assertThat(end(drain(ask(job()))).finish()).isEqualTo(FinishReason.STOP);
        }
        assertThat(server.requests).hasSize(5);
    }

    private void serve(FakeServer.Handler handler) throws IOException {
        server = new FakeServer(handler);
    }

    private EngineStream ask(EngineJob job) {
        return ask(engines.call(job), server.uri());
    }

    /** What a kamelet does, from the request to the stream; as a kamelet's, its exchange ends before that is read. */
    private EngineStream ask(EngineCall call, URI uri) {
        Exchange answer = producer().send("direct:ask", exchange -> {
            exchange.setVariable("call", call);
            exchange.getMessage().setHeader(Exchange.HTTP_URI, uri.toString());
            exchange.getMessage().setBody("{}");
        });
        return answer.getMessage().getBody(EngineStream.class);
    }

    private ProducerTemplate producer() {
        try {
            if (camel.getRoute("ask") == null) {
                camel.addRoutes(new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("direct:ask")
                                .routeId("ask")
                                .doTry()
                                .setHeader(LiveHttp.CALL_HEADER, simple("${variable.call.name}"))
                                .to("http:server?httpMethod=POST&httpClientConfigurer=#liveHttp"
                                        + "&disableStreamCache=true&throwExceptionOnFailure=false")
                                .process(LiveHttpTest::answered)
                                .doCatch(Throwable.class)
                                .process(exchange -> exchange.getMessage()
                                        .setBody(engines.failed(
                                                exchange.getVariable("call", EngineCall.class),
                                                exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class))))
                                .end();
                    }
                });
                camel.setStreamCaching(false);
                camel.start();
            }
            return camel.createProducerTemplate();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void answered(Exchange exchange) {
        EngineCall call = exchange.getVariable("call", EngineCall.class);
        int status = exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, int.class);
        exchange.getMessage()
                .setBody(call.answered(status, exchange.getMessage().getBody(InputStream.class), new Plain()));
    }
}
