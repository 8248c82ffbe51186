package io.flux.feed;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.Hub;
import java.util.Iterator;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.support.SynchronizationAdapter;

/** Jobs' events as they come, for routes that split them. Thread-safe; blocks for a round trip to Redis. */
public final class AnswerStream {
    private final Hub hub;
    private final ObjectMapper mapper;

    public AnswerStream(Hub hub, ObjectMapper mapper) {
        this.hub = hub;
        this.mapper = mapper;
    }

    /**
     * The events of the job that the exchange has submitted, from the ticket to the last one, {@code complete} or {@code
     * error}. The job is followed until then, or until the exchange is done.
     *
     * @return each event as a map of its fields; {@code next} waits, {@code hasNext} does not
     */
    public Iterator<Map<String, Object>> open(Exchange exchange) {
        Asked asked = Asked.of(exchange);
        EventIterator events = new EventIterator(mapper, hub::detach);
        hub.attach(events, asked.caller());
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                events.close();
            }
        });
        hub.follow(events.key(), asked.id(), 0, asked.place());
        asked.tell(exchange);
        return events;
    }
}
