package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Whatever happens to a line in Redis, it serves in the order of a line that is written down in a few words. */
class ServiceOrderTest {
    private static final Duration LEASE = Duration.ofMinutes(1);

    private enum What {
        ENQUEUE,
        CLAIM,
        GIVE_BACK,
        REMOVE
    }

    /** Something that happens; {@code which} chooses among the jobs that there are then. */
    record Step(What what, String tenant, int urgency, int which) {}

    private record Job(String id, int urgency) {}

    /** The rule. */
    private static final class Line {
        private final Deque<String> givenBack = new ArrayDeque<>();
        /** Those whose jobs wait, the next one first. */
        private final Map<String, List<Job>> tenants = new LinkedHashMap<>();

        void enqueue(String tenant, Job job) {
            List<Job> jobs = tenants.computeIfAbsent(tenant, name -> new ArrayList<>());
            jobs.add(job);
            jobs.sort(Comparator.comparing(Job::urgency)); // keeps the order of those that are equal
        }

        String claim() {
            if (!givenBack.isEmpty()) {
                return givenBack.remove();
            }
            if (tenants.isEmpty()) {
                return null;
            }
            String tenant = tenants.keySet().iterator().next();
            List<Job> jobs = tenants.remove(tenant);
            Job served = jobs.remove(0);
            if (!jobs.isEmpty()) {
                tenants.put(tenant, jobs); // at the back
            }
            return served.id();
        }

        void remove(String id) {
            givenBack.remove(id);
            tenants.values().forEach(jobs -> jobs.removeIf(job -> job.id().equals(id)));
            tenants.values().removeIf(List::isEmpty);
        }

        List<String> order() {
            Line copy = new Line();
            copy.givenBack.addAll(givenBack);
            tenants.forEach((tenant, jobs) -> copy.tenants.put(tenant, new ArrayList<>(jobs)));
            List<String> order = new ArrayList<>();
            for (String next = copy.claim(); next != null; next = copy.claim()) {
                order.add(next);
            }
            return order;
        }
    }

    @Property(tries = 150)
    void theLineServesInTheOrderThatItTells(@ForAll("steps") List<Step> steps) {
        Ledger ledger = RedisFixture.ledger();
        String model = RedisFixture.name("model");
        Line line = new Line();
        List<String> running = new ArrayList<>();
        Map<String, Arrival> arrivals = new HashMap<>();
        for (Step step : steps) {
            List<String> order = line.order();
            switch (step.what()) {
                case ENQUEUE -> {
                    String id = arrivals.size() + "@" + step.tenant();
                    Arrival arrival = new Arrival(step.tenant(), step.urgency(), 1000, 0);
                    arrivals.put(id, arrival);
                    line.enqueue(step.tenant(), new Job(id, step.urgency()));
                    long position =
                            ledger.enqueue(id, model, arrival, null, null).position();
                    assertThat(position).isEqualTo(line.order().indexOf(id) + 1);
                }
                case CLAIM -> {
                    String id = ledger.claim(model, RedisFixture.name("claim"), LEASE);
                    assertThat(id).isEqualTo(line.claim());
                    if (id != null) {
                        running.add(id);
                    }
                }
                case GIVE_BACK -> {
                    if (!running.isEmpty()) {
                        String id = running.remove(step.which() % running.size());
                        line.givenBack.add(id);
                        ledger.requeue(id, model, Duration.ZERO);
                    }
                }
                case REMOVE -> {
                    if (!order.isEmpty()) {
                        String id = order.get(step.which() % order.size());
                        line.remove(id);
                        ledger.remove(id, model);
                    }
                }
            }
            List<String> now = line.order();
            assertThat(ledger.order(model)).isEqualTo(now);
            if (!now.isEmpty()) {
                String id = now.get(step.which() % now.size());
                assertThat(ledger.enqueue(id, model, arrivals.get(id), null, null)
                                .position())
                        .as("told again")
                        .isEqualTo(now.indexOf(id) + 1);
            }
        }
    }

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<What> what = Arbitraries.frequency(
                net.jqwik.api.Tuple.of(6, What.ENQUEUE),
                net.jqwik.api.Tuple.of(3, What.CLAIM),
                net.jqwik.api.Tuple.of(1, What.GIVE_BACK),
                net.jqwik.api.Tuple.of(1, What.REMOVE));
        Arbitrary<String> tenant = Arbitraries.of("", "a", "a-b", "a0", "z");
        return Combinators.combine(
                        what,
                        tenant,
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.integers().between(0, 1000))
                .as(Step::new)
                .list()
                .ofMaxSize(60);
    }
}
