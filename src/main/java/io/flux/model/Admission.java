package io.flux.model;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import io.flux.job.RequestLimits;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Fits requests to the models that there are: the model's own name, its defaults, its bounds. Thread-safe; blocks for a
 * round trip to Redis when a model is not known yet.
 */
public final class Admission {
    private static final String MAX_TOKENS = "max_tokens";

    private final ModelDirectory directory;
    private final RequestLimits limits;

    /**
     * What is served, for clients.
     *
     * @param requestId the id that the question had; null when it had none
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Report(
            @JsonProperty("type") String type,
            @JsonProperty("request_id") String requestId,
            @JsonProperty("models") List<Model> models) {}

    /**
     * A model, for clients.
     *
     * @param workers processes that serve it now
     * @param slots jobs that all of them can serve at the same time
     * @param context tokens of a job's context, where it is configured
     * @param features what requests may ask for
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Model(
            @JsonProperty("name") String name,
            @JsonProperty("aliases") List<String> aliases,
            @JsonProperty("engine") String engine,
            @JsonProperty("workers") int workers,
            @JsonProperty("slots") int slots,
            @JsonProperty("context") Integer context,
            @JsonProperty("features") List<String> features,
            @JsonProperty("defaults") Map<String, Number> defaults,
            @JsonProperty("bounds") Map<String, Parameters.Range> bounds) {}

    /**
     * @param limits of the length of answers, where a model says nothing of its own
     */
    public Admission(ModelDirectory directory, RequestLimits limits) {
        this.directory = directory;
        this.limits = limits;
    }

    /**
     * Fits a request: what it does not say gets the model's default, and what it says must keep to the model's bounds.
     *
     * @param caller who asks; a model that they may not ask is not there for them
     * @throws Refusal {@code not_found} when nobody serves the model, {@code invalid_request} when it does not allow that
     */
    public JobRequest fit(JobRequest request, Caller caller) {
        ModelDescription model = directory
                .find(request.requestId(), request.model(), caller::mayAsk)
                .description();
        requireFeature(request, model, request.jsonSchema() != null, ModelDescription.JSON_SCHEMA);
        requireFeature(request, model, request.grammar() != null, ModelDescription.GRAMMAR);
        Values values = new Values(request, defaults(model), bounds(model));
        return new JobRequest(
                request.requestId(),
                model.name(),
                request.prompt(),
                request.messages(),
                values.whole(MAX_TOKENS, request.maxTokens()).intValue(),
                values.number("temperature", request.temperature()),
                values.number("top_p", request.topP()),
                toInteger(values.whole("top_k", request.topK())),
                values.number("min_p", request.minP()),
                request.seed(),
                request.stop(),
                request.jsonSchema(),
                request.grammar(),
                values.whole("timeout_ms", request.timeoutMs()),
                request.onDisconnect(),
                request.priority(),
                request.callbackUrl(),
                request.raw(),
                request.trace());
    }

    private static void requireFeature(JobRequest request, ModelDescription model, boolean asked, String feature) {
        if (asked && !model.features().contains(feature)) {
            throw invalid(
                    request,
                    feature,
                    feature + " is not supported by model " + model.name() + " (engine " + model.engine() + ")");
        }
    }

    private static Integer toInteger(Long value) {
        return value == null ? null : value.intValue();
    }

    private static Refusal invalid(JobRequest request, String field, String rule) {
        return new Refusal(Event.Error.answer(request.requestId(), "invalid_request", rule, field));
    }

    /** Which models are served that the caller may ask, and by how many slots. */
    public Report report(String requestId, Caller caller) {
        List<Model> models = directory.known().stream()
                .filter(known -> caller.mayAsk(known.description().name()))
                .map(known -> {
                    ModelDescription model = known.description();
                    return new Model(
                            model.name(),
                            model.aliases(),
                            model.engine(),
                            known.workers(),
                            known.slots(),
                            model.context() == 0 ? null : model.context(),
                            model.features(),
                            defaults(model),
                            bounds(model));
                })
                .toList();
        return new Report("models", requestId, models);
    }

    /** The largest {@code max_tokens} that one of the known models takes; the configured one while none is known. */
    public long largestMaxTokens() {
        return directory.known().stream()
                .mapToLong(known ->
                        bounds(known.description()).get(MAX_TOKENS).max().longValue())
                .max()
                .orElse(limits.maxTokens());
    }

    private Map<String, Number> defaults(ModelDescription model) {
        Map<String, Number> defaults = new TreeMap<>(model.parameters().defaults());
        Parameters.Range allowed = bounds(model).get(MAX_TOKENS);
        defaults.putIfAbsent(MAX_TOKENS, allowed.nearest(limits.defaultMaxTokens()));
        return defaults;
    }

    private Map<String, Parameters.Range> bounds(ModelDescription model) {
        Map<String, Parameters.Range> bounds = new TreeMap<>(model.parameters().bounds());
        bounds.putIfAbsent(MAX_TOKENS, new Parameters.Range(1, limits.maxTokens()));
        return bounds;
    }

    /** The values of one request. */
    private record Values(JobRequest request, Map<String, Number> defaults, Map<String, Parameters.Range> bounds) {

        Double number(String field, Number given) {
            Number value = choose(field, given);
            return value == null ? null : value.doubleValue();
        }

        Long whole(String field, Number given) {
            Number value = choose(field, given);
            return value == null ? null : value.longValue();
        }

        private Number choose(String field, Number given) {
            if (given == null) {
                return defaults.get(field);
            }
            Parameters.Range range = bounds.get(field);
            if (range != null && !range.contains(given.doubleValue())) {
                throw invalid(request, field, field + " must be " + range);
            }
            return given;
        }
    }
}
