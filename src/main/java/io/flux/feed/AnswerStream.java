package io.flux.feed;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.Hub;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * A step of a route after which the body is an iterator of a job's events, as they come, for a split: each is a map of its
 * fields, from the ticket to the last one, {@code complete} or {@code error}. {@code next} waits, {@code hasNext} does not.
 * The job is followed until its end, or until the iterator is closed, which a split does.
 *
 * <p>In: as for {@link AnswerWait}. Thread-safe; blocks for a round trip to Redis.
 */
public final class AnswerStream implements Processor {
    private final Hub hub;
    private final ObjectMapper mapper;

    public AnswerStream(Hub hub, ObjectMapper mapper) {
        this.hub = hub;
        this.mapper = mapper;
    }

    @Override
    public void process(Exchange exchange) {
        Asked asked = Asked.of(exchange);
        EventIterator events = new EventIterator(mapper, hub::detach);
        hub.attach(events, asked.caller());
        try {
            hub.follow(events.key(), asked.id(), 0, asked.place());
        } catch (RuntimeException e) {
            events.close();
            throw e;
        }
        asked.tell(exchange);
        exchange.getMessage().setBody(events);
    }
}
