package io.flux.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.model.ModelSpec;
import io.flux.model.Secret;
import io.flux.retry.GrowingPause;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server elsewhere as a model's engine. It need not be there at the start: whether it can be asked shows when it is. What
 * a job found out closes the gate for a while, so that the jobs wait in the queue, where another worker may take them:
 *
 * <pre>
 *   OPEN ──not reached, busy, or of no use (wrong key, unknown model)──▶ PAUSED ──time is over──▶ OPEN
 * </pre>
 *
 * <p>The first pause is a second, each further one twice as long, up to half a minute; an answer makes the next a first one
 * again. A server that says {@code Retry-After} is left alone for that long, up to five minutes. What fails during a pause
 * began before it and makes the next no longer: all slots may fail for one reason.
 *
 * <p>Thread-safe. One daemon thread ends the pauses, and is ended by {@link #close}.
 */
public final class OpenAiServer implements ModelEngine {
    private static final Logger LOG = LoggerFactory.getLogger(OpenAiServer.class);

    static final int OK = 200;

    private static final int SHORTEST_KEY = 4;

    /** What parameters of the API are called here. */
    private static final Map<String, String> FIELDS = Map.ofEntries(
            Map.entry("messages", "messages"),
            Map.entry("prompt", "prompt"),
            Map.entry("max_tokens", "max_tokens"),
            Map.entry("max_completion_tokens", "max_tokens"),
            Map.entry("temperature", "temperature"),
            Map.entry("top_p", "top_p"),
            Map.entry("top_k", "top_k"),
            Map.entry("min_p", "min_p"),
            Map.entry("seed", "seed"),
            Map.entry("stop", "stop"));

    /**
     * How long a server is left alone.
     *
     * @param first after the first failure
     * @param longest after many
     * @param longestAsked at most, whatever the server asks for
     */
    record Pauses(Duration first, Duration longest, Duration longestAsked) {
        static final Pauses DEFAULT = new Pauses(Duration.ofSeconds(1), Duration.ofSeconds(30), Duration.ofMinutes(5));

        Duration after(int failures, Duration asked) {
            if (asked == null || asked.compareTo(first) < 0) {
                return new GrowingPause(first, longest).after(failures);
            }
            return asked.compareTo(longestAsked) > 0 ? longestAsked : asked;
        }
    }

    private final String model;
    private final ModelSpec.Upstream upstream;
    private final ObjectMapper mapper;
    private final Pauses pauses;
    private final Clock clock;
    private final EngineGate gate = EngineGate.opened();
    private final ScheduledThreadPoolExecutor timer;
    private volatile String lastKey;

    /** Orders what opens and closes the gate. Never taken by {@link #start}, which runs under the slots' lock. */
    private final Object pausing = new Object();

    private int failures;
    private long pausedUntil;
    private ScheduledFuture<?> end;

    /** @param model its name here */
    OpenAiServer(String model, ModelSpec.Upstream upstream, ObjectMapper mapper) {
        this(model, upstream, mapper, Pauses.DEFAULT, Clock.systemUTC());
    }

    OpenAiServer(String model, ModelSpec.Upstream upstream, ObjectMapper mapper, Pauses pauses, Clock clock) {
        this.model = model;
        this.upstream = upstream;
        this.mapper = mapper;
        this.pauses = pauses;
        this.clock = clock;
        timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "flux-openai-pauses");
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
    }

    String model() {
        return model;
    }

    ModelSpec.Upstream upstream() {
        return upstream;
    }

    /** Looks at what is configured; the server itself may come later. */
    @Override
    public void start() {
        URI url = upstream.url();
        if (url.getHost() == null
                || url.getRawUserInfo() != null
                || url.getRawQuery() != null
                || url.getRawFragment() != null) {
            throw new IllegalStateException(
                    "the address of the server (url in the models file, or FLUX_OPENAI_URL) must be https://host/v1,"
                            + " without a user, ? and #");
        }
        try {
            readKey();
        } catch (IllegalStateException e) {
            throw new IllegalStateException(keyProblem(e), e);
        }
    }

    @Override
    public EngineGate gate() {
        return gate;
    }

    /** Where something is asked for. */
    String address(String path) {
        String base = upstream.url().toString();
        return (base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + path;
    }

    /** The value of the header; null when no key is configured. */
    String authorization() {
        if (upstream.key() == null) {
            return null;
        }
        try {
            return "Bearer " + readKey();
        } catch (IllegalStateException e) {
            throw new EngineException(unavailable(keyProblem(e), null));
        }
    }

    private String readKey() {
        Secret secret = upstream.key();
        if (secret == null) {
            return null;
        }
        String key = secret.read();
        if (!key.chars().allMatch(c -> c > ' ' && c < 127)) {
            throw new IllegalStateException(secret.where() + " holds a key with characters that no header can have");
        }
        lastKey = key;
        return key;
    }

    private static String keyProblem(IllegalStateException e) {
        return e.getMessage() + " (key_env or key_file in the models file, or FLUX_OPENAI_KEY, FLUX_OPENAI_KEY_FILE)";
    }

    /** A text of the server's without the key: some repeat what they were sent. */
    String withoutKey(String text) {
        String key = lastKey;
        return key == null || key.length() < SHORTEST_KEY ? text : text.replace(key, "***");
    }

    /**
     * A slot that was waiting for a job when the gate closed may get one still: it goes back.
     *
     * @throws EngineException while the gate is closed
     */
    void admit() {
        String problem = gate.problem();
        if (problem != null) {
            throw new EngineException(EngineFailure.unavailable(problem));
        }
    }

    /** It answers. */
    void works() {
        synchronized (pausing) {
            failures = 0;
        }
    }

    /** It could not be asked, or went away before it answered. The latter may be the request's doing, so that it counts. */
    void failed(Throwable cause) {
        if (cause instanceof IOException) {
            unavailable("cannot be reached (" + cause + ")", null);
        }
    }

    /** It answers, but with pages for people. */
    EngineFailure answersPages() {
        return unavailable("answers with a web page: is the address that of its API?", null);
    }

    /** What it means that it answers with another status than 200. */
    EngineFailure refused(EngineJob job, int status, String retryAfter, String body) {
        OpenAiError error = OpenAiError.parse(mapper, withoutKey(body));
        String answers = "answers " + status + (error.message().isEmpty() ? "" : " (" + error.message() + ")");
        Duration asked = RetryAfter.parse(retryAfter, clock);
        if (error.isUnknownModel() || status == 404 || status == 405) {
            if (job.request().raw()) {
                // Chat models often have no completions. Those who chat with this one are not to wait for that.
                return EngineFailure.invalid("raw", "the engine's server completes no raw prompts of this model");
            }
            return unavailable(answers + ": is " + upstream.model() + " a model of it, and the address right?", asked);
        }
        return switch (status) {
            case 400, 413, 422 -> invalid(job, status, error);
            case 401, 402, 403, 407 ->
                error.isModerated() ? invalid(job, status, error) : unavailable(answers + key(), asked);
            case 408, 429, 502, 503, 504, 529 -> unavailable(answers, asked);
            default -> {
                if (status >= 300 && status < 400) {
                    yield unavailable(answers + ": it has another address", asked);
                }
                yield status >= 400 && status < 500
                        ? invalid(job, status, error)
                        : EngineFailure.failed("the engine's server answered " + status);
            }
        };
    }

    private String key() {
        return upstream.key() == null
                ? ": it wants a key, and none is configured"
                : ": is the key right (" + upstream.key().where() + ")?";
    }

    private static EngineFailure invalid(EngineJob job, int status, OpenAiError error) {
        if (error.tokens() > 0 && error.context() > 0) {
            return EngineFailure.promptTooLong(error.tokens(), error.context());
        }
        String reason = error.message().isEmpty() ? "HTTP " + status : error.message();
        if (error.isTooLong() || status == 413) {
            return new EngineFailure(
                    EngineFailure.PROMPT_TOO_LONG, "prompt is too long (" + reason + ")", true, false, "prompt");
        }
        String blamed = FIELDS.get(error.param().replaceAll("[.\\[].*", ""));
        if (blamed != null && blamed.equals("messages") && job.request().prompt() != null) {
            blamed = "prompt";
        }
        if (job.request().jsonSchema() != null
                && (error.param().startsWith("response_format") || error.says("schema") || error.says("grammar"))) {
            return EngineFailure.invalid("json_schema", "the engine does not take this json_schema (" + reason + ")");
        }
        return EngineFailure.invalid(blamed, "the engine does not take this request (" + reason + ")");
    }

    /** Leaves the server alone for a while. */
    private EngineFailure unavailable(String what, Duration asked) {
        String why = upstream.url() + " " + withoutKey(what);
        synchronized (pausing) {
            boolean first = gate.problem() == null;
            Duration pause = pauses.after(first ? failures++ : 0, asked);
            long until = System.nanoTime() + pause.toNanos();
            if (first || (asked != null && until - pausedUntil > 0)) {
                pausedUntil = until;
                if (end != null) {
                    end.cancel(false);
                }
                if (!timer.isShutdown()) {
                    end = timer.schedule(this::open, pause.toNanos(), TimeUnit.NANOSECONDS);
                }
                LOG.debug("model {} pauses for {}: {}", model, pause, why);
            }
            if (first) {
                gate.close(why);
            }
        }
        return EngineFailure.unavailable(why);
    }

    private void open() {
        synchronized (pausing) {
            if (System.nanoTime() - pausedUntil >= 0) {
                gate.open();
            }
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
