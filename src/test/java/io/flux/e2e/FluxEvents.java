package io.flux.e2e;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A client of a job's server-sent events that does what browsers do: when the stream ends it comes back with the id of
 * the last event that it has, until it is told that there is no more (204, WHATWG HTML 9.2).
 */
final class FluxEvents extends FluxClient {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private final List<String> comments = new CopyOnWriteArrayList<>();
    private final Thread reader;
    private volatile URI address;
    private volatile boolean closed;
    private volatile boolean over;
    private volatile int connections;
    private volatile InputStream open;
    private String lastId = "";

    private FluxEvents(URI address) {
        this.address = address;
        this.reader = new Thread(this::run, "events of " + address);
        reader.setDaemon(true);
        reader.start();
    }

    static FluxEvents of(RunningFlux gateway, String id) {
        return new FluxEvents(gateway.http("/v1/jobs/" + id + "/events"));
    }

    /** A second client of a job, beside one that asks for it through another door: it is there once the first has its ticket. */
    static FluxEvents beside(FluxClient other, RunningFlux gateway, String id) {
        other.await(id, "ticket");
        FluxEvents events = of(gateway, id);
        events.await(id, "ticket");
        return events;
    }

    /** Waits for the job's end, asserts that both clients have seen the same, and leaves. */
    void endsAsFor(FluxClient other, String id) {
        awaitEnd(id);
        other.awaitEnd(id);
        assertSawAllThat(other, id);
        close();
    }

    /** The gateway is to be found elsewhere from now on. */
    void moveTo(RunningFlux gateway, String id) {
        address = gateway.http("/v1/jobs/" + id + "/events");
    }

    /** How often it has connected. */
    int connections() {
        return connections;
    }

    /** Whether it was told that there is no more. */
    boolean isOver() {
        return over;
    }

    /** The comments that came. */
    List<String> comments() {
        return List.copyOf(comments);
    }

    private void run() {
        while (!closed && !over) {
            try {
                connect();
            } catch (IOException e) {
                // The gateway has gone, or is not there yet: browsers try again.
                Thread.yield();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void connect() throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(address).header("Accept", "text/event-stream");
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        HttpResponse<InputStream> response = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        switch (response.statusCode()) {
            case 200 -> {
                connections++;
                open = response.body();
                read(response.body());
            }
            case 204 -> over = true;
            case 503 -> response.body().close();
            default ->
                throw new IllegalStateException(response.statusCode() + " "
                        + new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private void read(InputStream body) throws IOException {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
            String id = null;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(":")) {
                    comments.add(line);
                } else if (line.startsWith("id: ")) {
                    id = line.substring(4);
                } else if (line.startsWith("data: ")) {
                    received(line.substring(6));
                    lastId = id == null ? lastId : id;
                    id = null;
                }
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        reader.interrupt();
        InputStream stream = open;
        if (stream != null) {
            try {
                stream.close();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
