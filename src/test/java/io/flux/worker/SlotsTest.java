package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.engine.EngineGate;
import io.flux.engine.ModelEngine;
import io.flux.model.ModelSpec;
import io.flux.model.Parameters;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a model's slots pop, and when they do not. */
@Timeout(30)
class SlotsTest {
    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final Map<String, AtomicInteger> pops = new ConcurrentHashMap<>();
    private final AtomicInteger changes = new AtomicInteger();
    private final Engine chat = new Engine(EngineGate.closed("it loads"), null);
    private final Engine code = new Engine(EngineGate.opened(), null);

    private record Engine(EngineGate gate, String fault) implements ModelEngine {
        @Override
        public void start() {
            if (fault != null) {
                throw new IllegalStateException(fault);
            }
        }

        @Override
        public void close() {
            gate.close("closed");
        }
    }

    @BeforeEach
    void startRoutes() throws Exception {
        camel.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                routeTemplate(Slots.TEMPLATE)
                        .templateParameter("slot")
                        .templateParameter("model")
                        .from("scheduler:slot-{{slot}}?initialDelay=1&greedy=true&delay=5")
                        .setBody(constant("{{model}}"))
                        .process(exchange -> pops(exchange.getMessage().getBody(String.class))
                                .incrementAndGet())
                        .delay(1);
            }
        });
        camel.start();
    }

    @AfterEach
    void stopRoutes() {
        camel.stop();
    }

    @Test
    void aModelWhoseEngineIsNotReadyTakesNoJobAndTheOthersDo() {
        Slots slots = slots(chat, code);
        slots.open();
        awaitPops("code");
        assertThat(pops("chat")).hasValue(0);
        assertThat(slots.problem()).isEqualTo("model chat: it loads; model code: the model is not announced yet");
        slots.announced(Set.of("code"));
        assertThat(slots.problem()).isEqualTo("model chat: it loads");
        assertThat(slots.openSlots("chat")).isZero();
        assertThat(slots.openSlots("code")).isEqualTo(2);
    }

    @Test
    void itsSlotsOpenWhenTheEngineIsReadyCloseWhenItIsNotAndOpenAgain() {
        Slots slots = slots(chat, code);
        slots.open();
        for (int round = 0; round < 3; round++) {
            chat.gate().open();
            assertThat(slots.openSlots("chat")).isEqualTo(2);
            slots.announced(Set.of("chat", "code"));
            assertThat(slots.problem()).isNull();
            awaitPops("chat");
            chat.gate().close("it died");
            assertThat(slots.problem()).isEqualTo("model chat: it died");
            awaitPops("code"); // what was under way is over then
            int before = pops("chat").get();
            awaitPops("code");
            assertThat(pops("chat")).hasValue(before);
        }
        assertThat(changes).as("once for code, twice for each round").hasValue(7);
    }

    @Test
    void aModelIsReadyWhenItWasAnnouncedWithItsSlotsOpenAndAgainAfterTheyWereClosed() {
        Slots slots = slots(code);
        slots.open();
        slots.announced(Set.of()); // what was said before they opened
        assertThat(slots.problem()).isEqualTo("the model is not announced yet");
        slots.announced(Set.of("chat"));
        assertThat(slots.problem()).isNull();
        code.gate().close("it died");
        code.gate().open();
        assertThat(slots.problem()).isEqualTo("the model is not announced yet");
    }

    @Test
    void anEngineThatCanNeverBeReadySaysWhyAndItsSlotsStayClosed() {
        Engine missing = new Engine(EngineGate.opened(), "llama-server not found");
        Slots slots = slots(missing);
        slots.open();
        assertThat(slots.problem()).isEqualTo("llama-server not found");
        assertThat(camel.getRoutes()).isEmpty();
        assertThat(slots.isIdle()).isTrue();
    }

    @Test
    void whoDrainsOpensNoSlotAnyMore() {
        Slots slots = slots(chat, code);
        slots.open();
        slots.suspend();
        chat.gate().open();
        assertThat(slots.openSlots("chat")).isZero();
        assertThat(slots.openSlots("code")).isZero();
        assertThat(slots.problem()).isEqualTo("draining");
        await().until(slots::isIdle);
    }

    @Test
    void closedSlotsStayClosedUntilTheyAreOpenedAgainAndEnginesAreStartedOnce() throws Exception {
        Slots slots = slots(chat, code);
        assertThat(slots.problem()).isEqualTo("the slots are not open yet");
        slots.open();
        awaitPops("code");
        slots.close();
        assertThat(camel.getRoutes()).isEmpty();
        chat.gate().open();
        assertThat(camel.getRoutes()).isEmpty();
        slots.open();
        awaitPops("code");
        awaitPops("chat");
    }

    private void awaitPops(String model) {
        int before = pops(model).get();
        await().until(() -> pops(model).get() > before + 5);
    }

    private AtomicInteger pops(String model) {
        return pops.computeIfAbsent(model, name -> new AtomicInteger());
    }

    private Slots slots(Engine first, Engine... others) {
        List<Slots.Served> served = others.length == 0
                ? List.of(new Slots.Served(model("chat"), first))
                : List.of(new Slots.Served(model("chat"), first), new Slots.Served(model("code"), others[0]));
        return new Slots(camel, served, changes::incrementAndGet);
    }

    private static ModelSpec model(String name) {
        return new ModelSpec(name, List.of(), "x", null, null, 0, 2, 0, List.of(), null, Parameters.NONE);
    }
}
