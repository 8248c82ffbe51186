package io.flux.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.model.ModelSpec;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The models of this worker that a server elsewhere answers for, by OpenAI's chat completions API: what the kamelet {@code
 * openai} needs to ask for one. Each model has an {@link OpenAiServer} of its own. Thread-safe.
 */
public final class OpenAi implements AutoCloseable {
    private final Engines engines;
    private final ObjectMapper mapper;
    private final Map<String, OpenAiServer> servers = new LinkedHashMap<>();

    /** @param upstreams by the model's name */
    public OpenAi(Engines engines, ObjectMapper mapper, Map<String, ModelSpec.Upstream> upstreams) {
        this.engines = engines;
        this.mapper = mapper;
        upstreams.forEach((model, upstream) -> servers.put(model, new OpenAiServer(model, upstream, mapper)));
    }

    OpenAi(Engines engines, ObjectMapper mapper, OpenAiServer server) {
        this.engines = engines;
        this.mapper = mapper;
        servers.put(server.model(), server);
    }

    /** The server of a model: what the worker's slots watch. */
    public OpenAiServer server(String model) {
        OpenAiServer server = servers.get(model);
        if (server == null) {
            throw new IllegalArgumentException("model " + model + " has no server that speaks OpenAI's API");
        }
        return server;
    }

    /**
     * The body of the request for a job's answer; null when earlier attempts have used up its tokens.
     *
     * @throws EngineException while the server is not to be asked
     */
    public byte[] request(EngineJob job) throws IOException {
        OpenAiServer server = server(job.model());
        server.admit();
        return new OpenAiRequest(mapper, server.upstream()).body(job);
    }

    /** Where it goes: a raw prompt is completed, and anything else a conversation. */
    public String address(EngineJob job) {
        return server(job.model()).address(job.request().raw() ? "/completions" : "/chat/completions");
    }

    /**
     * The value of its header {@code Authorization}; null when the server wants no key.
     *
     * @throws EngineException when the key cannot be read
     */
    public String authorization(EngineJob job) {
        return server(job.model()).authorization();
    }

    /**
     * The stream of a call that the server answers.
     *
     * @param body as it comes; null when there is none
     * @param contentType of the body; null when the server does not say
     * @param retryAfter the header of that name; null when there is none
     */
    public EngineStream answered(EngineCall call, int status, InputStream body, String contentType, String retryAfter) {
        OpenAiServer server = server(call.job().model());
        OpenAiDecoder decoder = new OpenAiDecoder(mapper, server, call.job(), retryAfter);
        String type = contentType == null ? "" : contentType.toLowerCase(Locale.ROOT);
        if (status != OpenAiServer.OK || body == null) {
            return call.answered(status, body, decoder);
        }
        if (type.startsWith("text/html")) {
            return call.ended(EngineEnd.failed(server.answersPages(), null, ""));
        }
        server.works();
        return call.answered(status, type.startsWith("application/json") ? asOneEvent(body) : body, decoder);
    }

    /** The stream of a call that a step failed for. */
    public EngineStream failed(EngineCall call, Throwable cause) {
        if (!call.isStopped()) {
            server(call.job().model()).failed(cause);
        }
        return engines.failed(call, cause);
    }

    @Override
    public void close() {
        servers.values().forEach(OpenAiServer::close);
    }

    /** A server that does not stream sends the one event's data alone. Line breaks in JSON are between tokens. */
    private static InputStream asOneEvent(InputStream json) {
        InputStream line = new FilterInputStream(json) {
            @Override
            public int read() throws IOException {
                int b = super.read();
                return b == '\n' || b == '\r' ? ' ' : b;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                int count = super.read(bytes, offset, length);
                for (int i = offset; i < offset + count; i++) {
                    if (bytes[i] == '\n' || bytes[i] == '\r') {
                        bytes[i] = ' ';
                    }
                }
                return count;
            }
        };
        return new SequenceInputStream(
                Collections.enumeration(List.of(bytes("data: "), line, bytes("\n\ndata: [DONE]\n\n"))));
    }

    private static InputStream bytes(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII));
    }
}
