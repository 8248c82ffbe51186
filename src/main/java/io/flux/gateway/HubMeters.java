package io.flux.gateway;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

/** Shows what the Hub counts anyway. */
public final class HubMeters {
    private HubMeters() {}

    /** Registers the meters of a Hub, which is asked when somebody looks at them. */
    public static void bind(Hub hub, MeterRegistry registry) {
        Gauge.builder("flux.sockets", hub, Hub::connections)
                .description("Open WebSockets and HTTP answers, and routes that wait for one")
                .register(registry);
        Gauge.builder("flux.sockets.behind", hub, Hub::behind)
                .description("Those of them whose client reads too slowly, and gets its events from the journal later")
                .register(registry);
        Gauge.builder("flux.jobs.followed", hub, Hub::followed)
                .description("Jobs that a client of this gateway follows")
                .register(registry);
        FunctionCounter.builder("flux.tickets", hub, Hub::tickets)
                .description("Tickets that were sent: for new jobs, and to clients that came back")
                .register(registry);
        FunctionCounter.builder("flux.events.received", hub, Hub::received)
                .description("Events of followed jobs that Redis has brought to this gateway")
                .register(registry);
        FunctionCounter.builder("flux.sent", hub, Hub::sent)
                .description("Bytes of events that were handed to sockets; a character outside ASCII counts as one")
                .baseUnit("bytes")
                .register(registry);
        FunctionCounter.builder("flux.journal.catchups", hub, Hub::catchUps)
                .description("Pages of journals that were read for clients that had missed events or were behind")
                .register(registry);
    }
}
