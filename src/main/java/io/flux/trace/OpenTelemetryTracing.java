package io.flux.trace;

import io.flux.job.JobIds;
import io.flux.job.JobRequest;
import io.flux.job.TraceContext;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Traces by OpenTelemetry's SDK, configured by its own variables. For a job:
 *
 * <pre>
 *   (the client's span)
 *     └─ submit &lt;model&gt;            SERVER, at the gateway, from the request to its place in the queue
 *          ├─ queue &lt;model&gt;        INTERNAL, from then to the first attempt
 *          └─ attempt &lt;model&gt;      CONSUMER, at a worker, one for each attempt
 *               └─ chat &lt;model&gt;    CLIENT, the engine; its own spans are children of this one
 * </pre>
 *
 * <p>Names of attributes are those of OpenTelemetry's conventions for generative AI, and Flux's own. Spans are sent in the
 * background; what cannot be sent is dropped.
 */
final class OpenTelemetryTracing implements Tracing {
    private static final long FLUSH_SECONDS = 2;

    private static final AttributeKey<String> REQUEST_ID = AttributeKey.stringKey("flux.request_id");
    private static final AttributeKey<String> TENANT = AttributeKey.stringKey("flux.tenant");
    private static final AttributeKey<String> ROUTE = AttributeKey.stringKey("flux.route");
    private static final AttributeKey<String> ENGINE = AttributeKey.stringKey("flux.engine");
    private static final AttributeKey<Long> ATTEMPT = AttributeKey.longKey("flux.attempt");
    private static final AttributeKey<Long> RESUMED = AttributeKey.longKey("flux.resumed_events");
    private static final AttributeKey<String> VERDICT = AttributeKey.stringKey("flux.verdict");
    private static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");
    private static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
    private static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
    private static final AttributeKey<String> MODEL = AttributeKey.stringKey("gen_ai.request.model");
    private static final AttributeKey<Long> MAX_TOKENS = AttributeKey.longKey("gen_ai.request.max_tokens");
    private static final AttributeKey<Double> TEMPERATURE = AttributeKey.doubleKey("gen_ai.request.temperature");
    private static final AttributeKey<Double> TOP_P = AttributeKey.doubleKey("gen_ai.request.top_p");
    private static final AttributeKey<Double> TOP_K = AttributeKey.doubleKey("gen_ai.request.top_k");
    private static final AttributeKey<Long> SEED = AttributeKey.longKey("gen_ai.request.seed");
    private static final AttributeKey<List<String>> FINISH =
            AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    private static final AttributeKey<Long> INPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.input_tokens");
    private static final AttributeKey<Long> OUTPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.output_tokens");

    private static final TextMapGetter<TraceContext> GETTER = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(TraceContext carrier) {
            return List.of("traceparent", "tracestate");
        }

        @Override
        public String get(TraceContext carrier, String key) {
            return key.equals("traceparent") ? carrier.traceparent() : carrier.tracestate();
        }
    };

    private final OpenTelemetrySdk sdk;
    private final Tracer tracer;

    private OpenTelemetryTracing(OpenTelemetrySdk sdk) {
        this.sdk = sdk;
        this.tracer = sdk.getTracer("io.flux");
    }

    /**
     * Starts the SDK with its threads.
     *
     * @param process this process's id
     */
    static Tracing start(String process) {
        Resource own = Resource.create(Attributes.of(AttributeKey.stringKey("service.instance.id"), process));
        return new OpenTelemetryTracing(AutoConfiguredOpenTelemetrySdk.builder()
                .disableShutdownHook() // the worker drains first
                .addPropertiesSupplier(TraceSettings::defaults)
                .addResourceCustomizer((resource, config) -> own.merge(resource))
                .addSpanExporterCustomizer((exporter, config) -> new SayingOnce(exporter))
                .build()
                .getOpenTelemetrySdk());
    }

    private static Context context(TraceContext parent) {
        return parent == null
                ? Context.root()
                : W3CTraceContextPropagator.getInstance().extract(Context.root(), parent, GETTER);
    }

    private static TraceContext context(Span span) {
        Map<String, String> headers = new HashMap<>();
        W3CTraceContextPropagator.getInstance().inject(Context.root().with(span), headers, Map::put);
        return TraceContext.of(headers.get("traceparent"), headers.get("tracestate"));
    }

    @Override
    public SubmitSpan submit(JobRequest request, TraceContext parent, TraceContext replayed, String route) {
        SpanBuilder builder = tracer.spanBuilder("submit")
                .setSpanKind(SpanKind.SERVER)
                .setParent(context(parent))
                .setAttribute(REQUEST_ID, JobIds.requestId(request.requestId()))
                .setAttribute(ROUTE, route);
        if (replayed != null) {
            builder.addLink(Span.fromContext(context(replayed)).getSpanContext());
        }
        String tenant = JobIds.tenant(request.requestId());
        if (!tenant.isEmpty()) {
            builder.setAttribute(TENANT, tenant);
        }
        Span span = builder.startSpan();
        TraceContext context = context(span);
        return new SubmitSpan() {
            @Override
            public TraceContext context() {
                return context;
            }

            @Override
            public void accepted(JobRequest accepted) {
                span.updateName("submit " + accepted.model());
                span.setAttribute(MODEL, accepted.model());
                span.end();
            }

            @Override
            public void failed(Throwable cause) {
                if (cause != null) {
                    // Not its message, which may quote what the client said.
                    span.setAttribute(ERROR_TYPE, code(cause));
                    span.setStatus(StatusCode.ERROR);
                }
                span.end();
            }
        };
    }

    private static String code(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof io.flux.job.Refusal refusal) {
                return refusal.event().code();
            }
        }
        return failure.getClass().getName();
    }

    @Override
    public AttemptSpan attempt(Served served) {
        Context job = context(served.parent());
        JobRequest request = served.request();
        String model = request.model();
        if (served.attempt() == 1) {
            Instant now = Instant.now();
            common(tracer.spanBuilder("queue " + model).setParent(job), request)
                    .setStartTimestamp(now.minus(served.queued()))
                    .startSpan()
                    .end(now);
        }
        Span attempt = common(tracer.spanBuilder("attempt " + model).setParent(job), request)
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute(ATTEMPT, (long) served.attempt())
                .setAttribute(ENGINE, served.engine())
                .setAttribute(RESUMED, (long) served.resumed())
                .startSpan();
        Span engine = call(served, attempt);
        TraceContext context = context(engine);
        return new AttemptSpan() {
            @Override
            public TraceContext context() {
                return context;
            }

            @Override
            public void firstText() {
                engine.addEvent("first text");
            }

            @Override
            public void ended(String verdict, Outcome outcome) {
                finish(engine, outcome);
                attempt.setAttribute(VERDICT, verdict);
                if (outcome.code() != null) {
                    attempt.setAttribute(ERROR_TYPE, outcome.code());
                    attempt.setStatus(StatusCode.ERROR);
                }
                attempt.end();
            }
        };
    }

    private Span call(Served served, Span attempt) {
        JobRequest request = served.request();
        String operation = request.raw() ? "text_completion" : "chat";
        SpanBuilder builder = common(
                        tracer.spanBuilder(operation + " " + request.model())
                                .setParent(Context.root().with(attempt)),
                        request)
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute(OPERATION, operation)
                .setAttribute(PROVIDER, provider(served.engine()));
        if (request.maxTokens() != null) {
            builder.setAttribute(MAX_TOKENS, request.maxTokens().longValue());
        }
        if (request.temperature() != null) {
            builder.setAttribute(TEMPERATURE, request.temperature());
        }
        if (request.topP() != null) {
            builder.setAttribute(TOP_P, request.topP());
        }
        if (request.topK() != null) {
            builder.setAttribute(TOP_K, request.topK().doubleValue());
        }
        if (request.seed() != null) {
            builder.setAttribute(SEED, request.seed());
        }
        return builder.startSpan();
    }

    private static void finish(Span engine, Outcome outcome) {
        if (outcome.finish() != null) {
            engine.setAttribute(FINISH, List.of(outcome.finish()));
        }
        if (outcome.promptTokens() != null) {
            engine.setAttribute(INPUT_TOKENS, outcome.promptTokens().longValue());
        }
        if (outcome.completionTokens() != null) {
            engine.setAttribute(OUTPUT_TOKENS, outcome.completionTokens().longValue());
        }
        if (outcome.code() != null) {
            engine.setAttribute(ERROR_TYPE, outcome.code());
            engine.setStatus(StatusCode.ERROR);
        }
        engine.end();
    }

    private static SpanBuilder common(SpanBuilder builder, JobRequest request) {
        String tenant = JobIds.tenant(request.requestId());
        if (!tenant.isEmpty()) {
            builder.setAttribute(TENANT, tenant);
        }
        return builder.setAttribute(REQUEST_ID, JobIds.requestId(request.requestId()))
                .setAttribute(MODEL, request.model());
    }

    private static String provider(String engine) {
        return switch (engine) {
            case "bundled", "llama-completion", "llama-server" -> "llama_cpp";
            default -> engine;
        };
    }

    @Override
    public void close() {
        sdk.shutdown().join(FLUSH_SECONDS, TimeUnit.SECONDS);
    }
}
