package io.flux.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** HTTP requests to a Flux. Each blocks until it is answered. */
final class FluxHttp {
    private static final Duration ANSWER = Duration.ofSeconds(30);

    private final HttpClient http;
    private final ObjectMapper mapper = new ObjectMapper();
    private final FluxUrl url;
    private final FluxAccess access;

    /**
     * What Flux said.
     *
     * @param json the body, read; missing when it is empty
     * @param body as it came
     */
    record Answer(JsonNode json, String body) {}

    FluxHttp(FluxUrl url, FluxAccess access) {
        this.url = url;
        this.access = access;
        this.http = access.http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(FluxSocket.CONNECT)
                .build();
    }

    /** A part of a path, such as an id, as it may stand between two slashes. */
    static String segment(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    Answer get(String path) throws FluxError, InterruptedException {
        return send("GET", path);
    }

    Answer post(String path) throws FluxError, InterruptedException {
        return send("POST", path);
    }

    Answer delete(String path) throws FluxError, InterruptedException {
        return send("DELETE", path);
    }

    /** That what answered is no Flux, or one of another time. */
    FluxError stranger(String sign) {
        return new FluxError("what answers at " + url + " does not speak Flux's protocol: " + sign, true);
    }

    private Answer send(String method, String path) throws FluxError, InterruptedException {
        HttpResponse<String> response;
        try {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(url.http(path)).timeout(ANSWER).method(method, BodyPublishers.noBody());
            if (access.key() != null) {
                request.header("Authorization", "Bearer " + access.key());
            }
            response = http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new FluxError(
                    url.unreachable(e) + "; ./flux up starts one, and --url or FLUX_URL says where another one is",
                    true);
        }
        int status = response.statusCode();
        JsonNode json;
        try {
            json = mapper.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw stranger(isSuccess(status) ? e.getOriginalMessage() : "HTTP status " + status);
        }
        if (isSuccess(status)) {
            return new Answer(json, response.body());
        }
        if (!json.path("code").isTextual()) {
            throw stranger("HTTP status " + status);
        }
        throw new FluxError(
                FluxError.words(json) + (status == 401 ? "; " + access.hint() : ""),
                status == 401 || status == 403 || status == 429 || status >= 500);
    }

    private static boolean isSuccess(int status) {
        return status / 100 == 2;
    }
}
