package io.flux.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import io.flux.job.RequestLimits;
import io.flux.ledger.RedisFixture;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a model makes of requests. */
class AdmissionTest {
    private static final ModelSpec.Upstream UPSTREAM =
            new ModelSpec.Upstream(URI.create("http://h/v1"), "m", null, ModelSpec.Continuation.NO);
    private static final ModelSpec CHAT = new ModelSpec(
            "chat",
            List.of("gpt-4o", "default"),
            "openai",
            null,
            null,
            8192,
            2,
            0,
            List.of(),
            UPSTREAM,
            new Parameters(
                    Map.of("max_tokens", 99, "temperature", 0.7, "top_k", 40, "timeout_ms", 60_000),
                    Map.of(
                            "max_tokens", new Parameters.Range(1, 2048),
                            "temperature", new Parameters.Range(0, 1.5),
                            "timeout_ms", new Parameters.Range(1000, 600_000))));
    private static final ModelSpec PLAIN =
            new ModelSpec("plain", List.of(), "llama-server", null, null, 0, 1, 0, List.of(), null, Parameters.NONE);

    private final ModelDirectory directory = new ModelDirectory(
            RedisFixture.ledger(),
            new ObjectMapper(),
            List.of(CHAT, PLAIN),
            model -> model.equals("chat") ? 2 : 0,
            new ModelDirectory.Terms("here", Duration.ofSeconds(10), Duration.ofMinutes(10)));
    private final Admission admission = new Admission(directory, new RequestLimits(256, 4096));

    @BeforeEach
    void announce() throws JsonProcessingException {
        RedisFixture.redis().delete(List.of("flux:{models}:announced", "flux:{models}:seen", "flux:{models}:names"));
        directory.announce();
        directory.refresh();
    }

    @Test
    void whatARequestDoesNotSayTheModelSays() {
        JobRequest fitted = admission.fit(request("gpt-4o", null, null), Caller.ANYBODY);
        assertThat(fitted.model()).isEqualTo("chat");
        assertThat(fitted.maxTokens()).isEqualTo(99);
        assertThat(fitted.temperature()).isEqualTo(0.7);
        assertThat(fitted.topK()).isEqualTo(40);
        assertThat(fitted.timeoutMs()).isEqualTo(60_000);
        assertThat(fitted.topP()).as("the engine's default").isNull();
        assertThat(fitted.requestId()).isEqualTo("id");
    }

    @Test
    void whereTheModelSaysNothingTheGatewayDoes() {
        assertThat(admission.fit(request("plain", null, null), Caller.ANYBODY).maxTokens())
                .isEqualTo(256);
        assertThat(admission.fit(request("plain", 4096, 2.0), Caller.ANYBODY).maxTokens())
                .isEqualTo(4096);
        assertThat(admission.fit(request("plain", null, null), Caller.ANYBODY).temperature())
                .isNull();
    }

    @Test
    void whatFitsIsNotChangedAndFitsAgain() {
        JobRequest fitted = admission.fit(request(null, 2048, 1.5), Caller.ANYBODY);
        assertThat(fitted.maxTokens()).isEqualTo(2048);
        assertThat(fitted.temperature()).isEqualTo(1.5);
        assertThat(admission.fit(fitted, Caller.ANYBODY)).isEqualTo(fitted);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "chat|2049|0|max_tokens|max_tokens must be between 1 and 2048",
                "chat|0|0|max_tokens|max_tokens must be between 1 and 2048",
                "chat|1|1.6|temperature|temperature must be between 0 and 1.5",
                "plain|4097|0|max_tokens|max_tokens must be between 1 and 4096",
                "plain|-1|0|max_tokens|max_tokens must be between 1 and 4096",
                "plain|2147483647|0|max_tokens|max_tokens must be between 1 and 4096"
            })
    void whatIsOutOfAModelsBoundsIsRefused(String model, int maxTokens, double temperature, String field, String rule) {
        assertThat(refusal(request(model, maxTokens, temperature)))
                .isEqualTo(Event.Error.answer("id", "invalid_request", rule, field));
    }

    @Test
    void aModelThatNobodyServesIsRefusedNamingThoseThatThereAre() {
        assertThat(refusal(request("gpt-9", null, null)))
                .isEqualTo(Event.Error.answer(
                        "id", "not_found", "model gpt-9 is not served; known: chat, plain", "model"));
    }

    @Test
    void whatAnEngineCannotDoIsRefusedBeforeAnythingWaits() {
        assertThat(refusal(constrained("chat", "root ::= \"a\"")))
                .isEqualTo(Event.Error.answer(
                        "id", "invalid_request", "grammar is not supported by model chat (engine openai)", "grammar"));
        assertThat(admission
                        .fit(constrained("plain", "root ::= \"a\""), Caller.ANYBODY)
                        .grammar())
                .isNotNull();
        JobRequest schema = new JobRequest(
                "id",
                "chat",
                "x",
                null,
                5,
                null,
                null,
                null,
                null,
                null,
                null,
                JsonNodeFactory.instance.objectNode(),
                null,
                null,
                null,
                null,
                null,
                false);
        assertThat(admission.fit(schema, Caller.ANYBODY).jsonSchema()).isEqualTo(schema.jsonSchema());
    }

    @Test
    void theModelsAreReportedAsClientsMayUseThem() throws JsonProcessingException {
        assertThat(new ObjectMapper().writeValueAsString(admission.report(null, Caller.ANYBODY)))
                .isEqualTo("{\"type\":\"models\",\"models\":["
                        + "{\"name\":\"chat\",\"aliases\":[\"gpt-4o\",\"default\"],\"engine\":\"openai\","
                        + "\"workers\":1,\"slots\":2,\"context\":8192,\"features\":[\"json_schema\"],"
                        + "\"defaults\":{\"max_tokens\":99,\"temperature\":0.7,\"timeout_ms\":60000,\"top_k\":40},"
                        + "\"bounds\":{\"max_tokens\":[1,2048],\"temperature\":[0,1.5],"
                        + "\"timeout_ms\":[1000,600000]}},"
                        + "{\"name\":\"plain\",\"aliases\":[],\"engine\":\"llama-server\",\"workers\":0,"
                        + "\"slots\":0,\"features\":[\"json_schema\",\"grammar\"],"
                        + "\"defaults\":{\"max_tokens\":256},\"bounds\":{\"max_tokens\":[1,4096]}}]}");
        assertThat(admission.report("q", Caller.ANYBODY).requestId()).isEqualTo("q");
    }

    @Test
    void aModelThatTheCallerMayNotAskIsNotThereForThem() {
        Caller plainOnly = new Caller("acme", Set.of("plain"), 0, null, false);
        for (String hidden : List.of("chat", "gpt-4o", "gpt-9")) {
            assertThat(refusal(request(hidden, null, null), plainOnly))
                    .isEqualTo(Event.Error.answer(
                            "id", "not_found", "model " + hidden + " is not served; known: plain", "model"));
        }
        assertThat(admission.report(null, plainOnly).models())
                .extracting(Admission.Model::name)
                .containsExactly("plain");
        assertThat(admission.fit(request(null, null, null), plainOnly).model()).isEqualTo("plain");
        assertThat(admission.fit(request("plain", null, null), plainOnly).model())
                .isEqualTo("plain");
        Caller nothing = new Caller("acme", Set.of("elsewhere"), 0, null, false);
        assertThat(refusal(request("chat", null, null), nothing))
                .isEqualTo(Event.Error.answer("id", "not_found", "model chat is not served; none is", "model"));
    }

    private Event.Error refusal(JobRequest request) {
        return refusal(request, Caller.ANYBODY);
    }

    private Event.Error refusal(JobRequest request, Caller caller) {
        return catchThrowableOfType(Refusal.class, () -> admission.fit(request, caller))
                .event();
    }

    private static JobRequest request(String model, Integer maxTokens, Double temperature) {
        return new JobRequest(
                "id",
                model,
                "x",
                null,
                maxTokens,
                temperature,
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
                false);
    }

    private static JobRequest constrained(String model, String grammar) {
        return new JobRequest(
                "id", model, "x", null, 5, null, null, null, null, null, null, null, grammar, null, null, null, null,
                false);
    }
}
