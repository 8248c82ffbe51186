package io.flux.e2e;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.awaitility.Awaitility;

/** A client of the OpenAI API that keeps every byte of an answer as it comes, and may leave at any time. */
final class OpenAiStream implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final HttpResponse<InputStream> response;
    private final StringBuffer read = new StringBuffer();
    private final Thread reader;

    private OpenAiStream(HttpResponse<InputStream> response) {
        this.response = response;
        reader = new Thread(this::read, "openai-stream");
        reader.setDaemon(true);
        reader.start();
    }

    /** Returns when the head of the answer is there. */
    static OpenAiStream post(URI uri, String body, String... headers) {
        try {
            return new OpenAiStream(HTTP.send(request(uri, body, headers), HttpResponse.BodyHandlers.ofInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static HttpRequest request(URI uri, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return request.build();
    }

    private void read() {
        byte[] bytes = new byte[8192];
        try (InputStream in = response.body()) {
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                read.append(new String(bytes, 0, count, StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            read.append("(").append(e.getMessage()).append(")");
        }
    }

    int status() {
        return response.statusCode();
    }

    /** A header; empty when it is not there. */
    String header(String name) {
        return response.headers().firstValue(name.toLowerCase(Locale.ROOT)).orElse("");
    }

    /** Everything so far. */
    String raw() {
        return read.toString();
    }

    /** Waits for this text. */
    void await(String text) {
        Awaitility.await(text).atMost(PATIENCE).until(() -> raw().contains(text));
    }

    /** Waits for the end of the answer. */
    OpenAiStream whole() {
        Awaitility.await("the end of the answer").atMost(PATIENCE).until(() -> !reader.isAlive());
        return this;
    }

    /** The data of the events so far, {@code [DONE]} left out. */
    List<JsonNode> chunks() {
        List<JsonNode> chunks = new ArrayList<>();
        for (String line : raw().split("\n")) {
            if (line.startsWith("data: {")) {
                chunks.add(json(line.substring("data: ".length())));
            }
        }
        return chunks;
    }

    /** The text of a chat's chunks so far. */
    String text() {
        StringBuilder text = new StringBuilder();
        chunks().forEach(chunk ->
                text.append(chunk.at("/choices/0/delta/content").asText()));
        return text.toString();
    }

    /** The body as JSON. */
    JsonNode json() {
        return json(whole().raw());
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + text, e);
        }
    }

    /** Leaves. */
    @Override
    public void close() {
        try {
            response.body().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
