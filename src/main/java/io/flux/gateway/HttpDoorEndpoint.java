package io.flux.gateway;

import io.vertx.core.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.apache.camel.Consumer;
import org.apache.camel.ExchangePattern;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.support.DefaultEndpoint;

/** One method of one path. */
public final class HttpDoorEndpoint extends DefaultEndpoint {
    private final HttpDoorComponent door;
    private final HttpMethod method;
    private final String path;
    private List<String> headers = List.of();
    private List<String> query = List.of();
    private List<String> produces = List.of();
    private boolean open;
    private Supplier<Rendition> answer;
    private String leave;

    HttpDoorEndpoint(String uri, HttpDoorComponent door, HttpMethod method, String path) {
        super(uri, door);
        this.door = door;
        this.method = method;
        this.path = path;
    }

    HttpDoorComponent door() {
        return door;
    }

    HttpMethod method() {
        return method;
    }

    String path() {
        return path;
    }

    List<String> headers() {
        return headers;
    }

    /** Names of the request's headers that the exchange is to have, separated by commas. */
    public void setHeaders(String names) {
        headers = Arrays.asList(names.split(","));
    }

    List<String> query() {
        return query;
    }

    /** Names of query parameters that become headers, separated by commas. */
    public void setQuery(String names) {
        query = Arrays.asList(names.split(","));
    }

    List<String> produces() {
        return produces;
    }

    /**
     * Media types of the answer, separated by commas: a client that accepts none of them gets 406. The first is the
     * {@code Content-Type} of an answer whose route sets none.
     */
    public void setProduces(String types) {
        produces = Arrays.asList(types.split(","));
    }

    boolean open() {
        return open;
    }

    /** Whether the path needs no key, so that the exchange has no variable {@code caller}. */
    public void setOpen(boolean open) {
        this.open = open;
    }

    Supplier<Rendition> answer() {
        return answer;
    }

    /** Makes what writes the answer, event by event; without it the exchange's message is the answer. */
    public void setAnswer(Supplier<Rendition> answer) {
        this.answer = answer;
    }

    String leave() {
        return leave;
    }

    /** The endpoint that hears of the end of a connection, whichever end it is. */
    public void setLeave(String leave) {
        this.leave = leave;
    }

    @Override
    public Producer createProducer() {
        throw new UnsupportedOperationException("http-door is where routes begin");
    }

    @Override
    public Consumer createConsumer(Processor processor) {
        setExchangePattern(answer == null ? ExchangePattern.InOut : ExchangePattern.InOnly);
        return new HttpDoorConsumer(this, processor);
    }
}
