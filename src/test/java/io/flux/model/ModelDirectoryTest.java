package io.flux.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.Refusal;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.data.redis.core.StringRedisTemplate;

/** What processes tell each other about models, in a real Redis. */
class ModelDirectoryTest {
    private static final Predicate<String> ALL = model -> true;

    private static final Duration ALIVE = Duration.ofSeconds(10);
    private static final Duration MEMORY = Duration.ofMinutes(10);

    private final Ledger ledger = RedisFixture.ledger();
    private final StringRedisTemplate redis = RedisFixture.redis();
    private final ObjectMapper mapper = new ObjectMapper();
    private final ModelDirectory gateway = directory("gateway", List.of(), new AtomicInteger());

    @BeforeEach
    void nothingIsKnown() {
        redis.delete(List.of("flux:{models}:announced", "flux:{models}:seen", "flux:{models}:names"));
    }

    @Test
    void aGatewayKnowsWhatWorkersAnnounceAndByHowManySlots() throws JsonProcessingException {
        directory("w1", List.of(model("chat", 4, "gpt-4o")), new AtomicInteger(4))
                .announce();
        directory("w2", List.of(model("chat", 2, "gpt-4o"), model("code", 1)), new AtomicInteger(2))
                .announce();
        assertThat(gateway.refresh()).containsExactly("chat", "code");
        assertThat(gateway.known()).extracting(KnownModel::slots).containsExactly(6, 2);
        assertThat(gateway.known()).extracting(KnownModel::workers).containsExactly(2, 1);
        assertThat(gateway.find("r", "gpt-4o", ALL).description().name()).isEqualTo("chat");
        assertThat(gateway.find("r", "code", ALL).description().name()).isEqualTo("code");
    }

    @Test
    void whatAWorkerAnnouncesAgainReplacesWhatItHadSaid() throws JsonProcessingException {
        AtomicInteger open = new AtomicInteger(0);
        ModelDirectory worker = directory("w1", List.of(model("chat", 4)), open);
        worker.announce();
        gateway.refresh();
        assertThat(gateway.find("r", "chat", ALL).workers())
                .as("it loads its model still")
                .isZero();
        open.set(4);
        worker.announce();
        gateway.refresh();
        assertThat(gateway.find("r", "chat", ALL).slots()).isEqualTo(4);
        assertThat(gateway.find("r", "chat", ALL).workers()).isEqualTo(1);
    }

    @Test
    void aModelWhoseWorkerIsSilentHasNoSlotsAndStaysKnownForAWhile() throws JsonProcessingException {
        directory("w1", List.of(model("chat", 4)), new AtomicInteger(4)).announce();
        redis.opsForZSet().incrementScore("flux:{models}:seen", "w1", -ALIVE.toMillis());
        gateway.refresh();
        assertThat(gateway.find("r", "chat", ALL).slots()).isZero();
        redis.opsForZSet().incrementScore("flux:{models}:seen", "w1", -MEMORY.toMillis());
        directory("w2", List.of(model("code", 1)), new AtomicInteger(1)).announce();
        assertThat(gateway.refresh()).as("its queue may hold jobs still").containsExactly("chat", "code");
        assertThat(refusal("chat").error()).isEqualTo("model chat is not served; known: code");
    }

    @Test
    void aModelThatHasJustComeIsFoundAtOnce() throws JsonProcessingException {
        assertThat(refusal("chat"))
                .isEqualTo(Event.Error.answer("r", "not_found", "model chat is not served; none is", "model"));
        directory("w1", List.of(model("chat", 4)), new AtomicInteger(4)).announce();
        assertThat(gateway.find("r", "chat", ALL).slots()).isEqualTo(4);
    }

    @Test
    void aProcessKnowsItsOwnModelsBeforeItHasToldAnybody() {
        ModelDirectory own = directory("w1", List.of(model("chat", 4)), new AtomicInteger(4));
        assertThat(own.refresh()).containsExactly("chat");
        assertThat(own.find("r", "chat", ALL).description().name()).isEqualTo("chat");
    }

    @Test
    void aRequestThatNamesNoModelMeansTheOnlyOneOrTheDefault() throws JsonProcessingException {
        assertThat(refusal(null)).isEqualTo(Event.Error.answer("r", "not_found", "no model is served", "model"));
        directory("w1", List.of(model("chat", 4)), new AtomicInteger(4)).announce();
        gateway.refresh();
        assertThat(gateway.find("r", null, ALL).description().name()).isEqualTo("chat");
        directory("w2", List.of(model("code", 4)), new AtomicInteger(4)).announce();
        gateway.refresh();
        assertThat(refusal(null))
                .isEqualTo(Event.Error.answer("r", "invalid_request", "model is required; known: chat, code", "model"));
        directory("w3", List.of(model("small", 4, "default")), new AtomicInteger(4))
                .announce();
        gateway.refresh();
        assertThat(gateway.find("r", null, ALL).description().name()).isEqualTo("small");
    }

    @Test
    void aRequestThatNamesNoModelMeansTheOneThatItsGatewayIsConfiguredWith() throws JsonProcessingException {
        directory("w1", List.of(model("default", 4), model("chat", 4)), new AtomicInteger(4))
                .announce();
        ModelDirectory named = directory("g2", List.of(model("chat", 1)), new AtomicInteger());
        named.refresh();
        assertThat(named.find("r", null, ALL).description().name()).isEqualTo("chat");
    }

    @Test
    void aModelsOwnNameGoesBeforeTheAliasOfAnother() throws JsonProcessingException {
        directory("w1", List.of(model("chat", 4, "code")), new AtomicInteger(4)).announce();
        directory("w2", List.of(model("code", 4)), new AtomicInteger(4)).announce();
        gateway.refresh();
        assertThat(gateway.find("r", "code", ALL).description().name()).isEqualTo("code");
    }

    @Test
    void whoServesAModelKnowsBetterWhatItIsThanWhoOnlyTakesJobsForIt() throws JsonProcessingException {
        ModelSpec served = new ModelSpec(
                "chat",
                List.of(),
                "openai",
                null,
                null,
                0,
                2,
                0,
                List.of(),
                new ModelSpec.Upstream(URI.create("http://h/v1"), "m", null, ModelSpec.Continuation.NO),
                new Parameters(Map.of("temperature", 0.5), Map.of("temperature", new Parameters.Range(0, 1))));
        directory("w1", List.of(served), new AtomicInteger(2)).announce();
        directory("g2", List.of(model("chat", 1)), new AtomicInteger()).announce();
        gateway.refresh();
        ModelDescription found = gateway.find("r", "chat", ALL).description();
        assertThat(found.engine()).isEqualTo("openai");
        assertThat(found.features()).containsExactly("json_schema");
        assertThat(found.parameters()).isEqualTo(served.parameters());
    }

    @Test
    void aStepForwardOfRedissClockMakesNoModelForgotten() throws JsonProcessingException {
        ModelDirectory chat = directory("w1", List.of(model("chat", 4)), new AtomicInteger(4));
        ModelDirectory code = directory("w2", List.of(model("code", 1)), new AtomicInteger(1));
        chat.announce();
        code.announce();
        for (String process : List.of("w1", "w2")) {
            redis.opsForZSet().incrementScore("flux:{models}:seen", process, -MEMORY.toMillis() - 1);
        }
        chat.announce();
        gateway.refresh();
        assertThat(gateway.known())
                .extracting(known -> known.description().name())
                .containsExactly("chat", "code");
        chat.announce();
        gateway.refresh();
        assertThat(gateway.known())
                .as("it did not say so again meanwhile")
                .extracting(known -> known.description().name())
                .containsExactly("chat");
    }

    @Test
    void whatWasAnnouncedBeforeRedissClockWasSetBackAges() throws JsonProcessingException {
        ModelDirectory chat = directory("w1", List.of(model("chat", 4)), new AtomicInteger(4));
        directory("w2", List.of(model("code", 1)), new AtomicInteger(1)).announce();
        redis.opsForZSet()
                .incrementScore("flux:{models}:seen", "w2", Duration.ofHours(1).toMillis());
        chat.announce();
        assertThat(redis.opsForZSet().score("flux:{models}:seen", "w2"))
                .isEqualTo(redis.opsForZSet().score("flux:{models}:seen", "w1"));
    }

    @Test
    void anAnnouncementThatCannotBeReadHidesNoOther() throws JsonProcessingException {
        directory("w1", List.of(model("chat", 4)), new AtomicInteger(4)).announce();
        ledger.announce("w2", "{\"another\":\"version\"}", MEMORY, List.of());
        gateway.refresh();
        assertThat(gateway.find("r", "chat", ALL).slots()).isEqualTo(4);
    }

    private Event.Error refusal(String model) {
        return catchThrowableOfType(Refusal.class, () -> gateway.find("r", model, ALL))
                .event();
    }

    private ModelDirectory directory(String process, List<ModelSpec> models, AtomicInteger open) {
        return new ModelDirectory(
                ledger, mapper, models, model -> open.get(), new ModelDirectory.Terms(process, ALIVE, MEMORY));
    }

    private static ModelSpec model(String name, int slots, String... aliases) {
        return new ModelSpec(
                name, List.of(aliases), "llama-server", null, null, 0, slots, 0, List.of(), null, Parameters.NONE);
    }
}
