package io.flux.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.impl.engine.DefaultUnitOfWork;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CallbackTurnsTest {
    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Posting> postings = new ArrayList<>();
    private CallbackTurns turns = new CallbackTurns(threads, Duration.ofMinutes(1));
    private int number;

    /** An exchange behind the step, or before it. */
    private final class Posting {
        final Exchange exchange = new DefaultExchange(camel);
        volatile boolean wentOn;

        Posting(String tenant, String host) {
            this("job-" + ++number + (tenant.isEmpty() ? "" : "@" + tenant), tenant, host);
        }

        Posting(String id, String tenant, String host) {
            exchange.getExchangeExtension().setUnitOfWork(new DefaultUnitOfWork(exchange));
            exchange.setVariable("address", new Callbacks.Address(id, tenant, host));
            turns.process(exchange, synchronous -> wentOn = true);
            postings.add(this);
        }

        boolean isPosting() {
            return wentOn && !exchange.isRouteStop();
        }

        void end() {
            exchange.getUnitOfWork().done(exchange);
        }
    }

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private List<Posting> post(int count, String tenant, String host) {
        List<Posting> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(new Posting(tenant, host));
        }
        return all;
    }

    private static long posting(List<Posting> all) {
        return all.stream().filter(Posting::isPosting).count();
    }

    @Test
    void aReceiverThatTakesItsTimeLeavesTheOthersTheirs() {
        List<Posting> bad = post(40, "", "bad:80");
        Posting good = new Posting("", "good:80");
        await().until(good::isPosting);
        await().until(() -> posting(bad) == 4);
    }

    @Test
    void aTenantWithManySuchReceiversLeavesTheOthersTheirs() {
        for (String tenant : List.of("bad", "worse")) {
            for (int host = 0; host < 100; host++) {
                post(1, tenant, "host-" + host + ":80");
            }
        }
        Posting good = new Posting("good", "good:80");
        await().until(good::isPosting);
        await().until(() -> posting(postings) == 48 + 48 + 1);
    }

    @Test
    void whoEndsMakesRoomAndReceiversTakeTurns() {
        List<Posting> first = post(4, "t", "one:80");
        List<Posting> second = post(3, "t", "one:80");
        await().until(() -> posting(first) == 4);
        assertThat(posting(second)).isZero();
        first.get(0).end();
        await().until(() -> posting(second) == 1);
        first.get(1).end();
        first.get(2).end();
        await().until(() -> posting(second) == 3);
    }

    @Test
    void anAnswerThatWaitsIsNotTakenTwice() {
        post(4, "t", "one:80");
        Posting waits = new Posting("same", "t", "one:80");
        Posting again = new Posting("same", "t", "one:80");
        assertThat(again.wentOn).isTrue();
        assertThat(again.exchange.isRouteStop()).isTrue();
        postings.get(0).end();
        await().until(waits::isPosting);
    }

    @Test
    void oneThatHasWaitedForTooLongIsLeftToItsNextLease() {
        turns = new CallbackTurns(threads, Duration.ofMillis(-1));
        Posting late = new Posting("t", "one:80");
        await().until(() -> late.wentOn);
        assertThat(late.isPosting()).isFalse();
    }

    @Test
    void aTenantFillsTheMemoryOfNoOther() {
        post(1100, "much", "one:80");
        assertThat(turns.hasRoom("job@much")).isFalse();
        assertThat(turns.hasRoom("job@other")).isTrue();
        Posting refused = new Posting("much", "two:80");
        assertThat(refused.wentOn).isTrue();
        assertThat(refused.exchange.isRouteStop()).isTrue();
    }
}
