package io.flux.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.ChatMessage;
import io.flux.job.ChatTemplate;
import io.flux.job.JobRequest;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kamelet.KameletComponent;
import org.apache.camel.impl.DefaultCamelContext;

/** Asks a llama-server through the shipped kamelet, as the worker's route does. */
final class LlamaServerAsker implements AutoCloseable {
    private static final AtomicInteger NUMBER = new AtomicInteger();

    final Engines engines = new Engines();
    final ObjectMapper mapper = new ObjectMapper();
    private final HttpClient client = HttpClient.newHttpClient();
    private final LiveHttp http = new LiveHttp(engines);
    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final ProducerTemplate producer;
    private final LlamaServer server;

    /** @param template of Flux's, or null for the model's own */
    LlamaServerAsker(LlamaServer server, ChatTemplate template) throws Exception {
        this.server = server;
        camel.getRegistry().bind("engines", engines);
        camel.getRegistry().bind("liveHttp", http);
        camel.getRegistry().bind("llamaServer", new LlamaServerRequests(model -> server, model -> template, mapper));
        camel.getComponent("kamelet", KameletComponent.class)
                .setLocation("file:" + Path.of("routes", "engines").toAbsolutePath());
        camel.setStreamCaching(false);
        camel.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:ask")
                        .to("kamelet:llama-server")
                        .split(body())
                        .streaming()
                        .process(exchange -> {
                            @SuppressWarnings("unchecked")
                            Consumer<EngineOutput> reader = exchange.getVariable("reader", Consumer.class);
                            reader.accept(exchange.getMessage().getBody(EngineOutput.class));
                        });
            }
        });
        camel.start();
        producer = camel.createProducerTemplate();
    }

    /** All that an engine wrote. */
    List<EngineOutput> ask(EngineJob job) {
        List<EngineOutput> outputs = new ArrayList<>();
        ask(job, outputs::add);
        return outputs;
    }

    /** @param reader is given each output as it comes */
    void ask(EngineJob job, Consumer<EngineOutput> reader) {
        var exchange = producer.send("direct:ask", asked -> {
            asked.setVariable("reader", reader);
            asked.getMessage().setBody(job);
        });
        if (exchange.getException() != null) {
            throw new AssertionError(exchange.getException());
        }
    }

    CompletableFuture<List<EngineOutput>> begin(EngineJob job, Consumer<EngineOutput> reader) {
        List<EngineOutput> outputs = new ArrayList<>();
        return CompletableFuture.supplyAsync(() -> {
            ask(job, output -> {
                outputs.add(output);
                reader.accept(output);
            });
            return outputs;
        });
    }

    /** What the server itself answers. */
    JsonNode direct(String path, JsonNode body) {
        LlamaServer.Serving serving = server.serving();
        HttpRequest.Builder request =
                HttpRequest.newBuilder(serving.uri().resolve(path)).header("Authorization", "Bearer " + serving.key());
        if (body != null) {
            request.POST(HttpRequest.BodyPublishers.ofString(body.toString()));
        }
        try {
            return mapper.readTree(client.send(request.build(), HttpResponse.BodyHandlers.ofString())
                    .body());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Whether no slot of the server computes anything. */
    boolean isIdle() {
        for (JsonNode slot : direct("/slots", null)) {
            if (slot.path("is_processing").asBoolean()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        engines.close();
        camel.close();
        http.close();
    }

    /** A job to be. */
    static final class Question {
        private final String id = "request-" + NUMBER.incrementAndGet();
        private final List<ChatMessage> messages = new ArrayList<>();
        private String raw;
        private int maxTokens = 64;
        private List<String> stop = List.of();
        private JsonNode schema;
        private String grammar;
        private Transcript soFar = Transcript.EMPTY;
        private Duration timeLeft;

        static Question of(String prompt) {
            return new Question().says("user", prompt);
        }

        static Question raw(String prompt) {
            Question question = new Question();
            question.raw = prompt;
            return question;
        }

        Question says(String role, String content) {
            messages.add(new ChatMessage(role, content));
            return this;
        }

        Question maxTokens(int tokens) {
            maxTokens = tokens;
            return this;
        }

        Question stop(String text) {
            stop = List.of(text);
            return this;
        }

        Question schema(JsonNode node) {
            schema = node;
            return this;
        }

        Question grammar(String gbnf) {
            grammar = gbnf;
            return this;
        }

        Question after(String text) {
            soFar = new Transcript(text, 1);
            return this;
        }

        Question within(Duration time) {
            timeLeft = time;
            return this;
        }

        /** At temperature 0. */
        EngineJob job() {
            return new EngineJob(
                    new JobRequest(
                            id,
                            "default",
                            raw,
                            raw == null ? messages : null,
                            maxTokens,
                            0.0,
                            null,
                            null,
                            null,
                            7L,
                            stop,
                            schema,
                            grammar,
                            null,
                            null,
                            null,
                            null,
                            raw != null),
                    soFar.text().isEmpty() ? 1 : 2,
                    soFar,
                    timeLeft);
        }
    }
}
