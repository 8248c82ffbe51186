package io.flux.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.config.Problems;
import io.flux.config.YamlDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.context.expression.MapAccessor;
import org.springframework.expression.Expression;
import org.springframework.expression.ExpressionException;
import org.springframework.expression.spel.standard.SpelExpressionParser;
import org.springframework.expression.spel.support.SimpleEvaluationContext;

/**
 * What a ScaledObject of KEDA says, as far as it decides how many workers there are. Its defaults are those of KEDA 2.17 and
 * of Kubernetes' {@code autoscaling/v2}.
 *
 * @param triggers those of type {@code redis}; their names are the variables of the formula
 * @param formula what is made of the triggers' values
 * @param target of the formula's value, for each worker; more than 0
 * @param activationTarget above it there is at least one worker
 * @param minReplicas 0 or more
 * @param maxReplicas at least 1
 * @param polling how often KEDA looks whether there is work at all
 * @param cooldown how long there must be none before the last worker goes
 * @param up how the number of workers may grow
 * @param down how it may shrink
 */
public record ScaledObject(
        List<Trigger> triggers,
        String formula,
        double target,
        double activationTarget,
        int minReplicas,
        int maxReplicas,
        Duration polling,
        Duration cooldown,
        Rules up,
        Rules down) {

    private static final SpelExpressionParser PARSER = new SpelExpressionParser();

    /** A Redis key whose length counts. */
    public record Trigger(String name, String key) {}

    /**
     * One direction of an HPA's behavior.
     *
     * @param stabilization for how long the more cautious of the past recommendations goes
     * @param policies empty: it may not scale in this direction
     * @param smallest whether the policy that allows the least goes, and not the one that allows the most
     */
    public record Rules(Duration stabilization, List<Policy> policies, boolean smallest) {}

    /**
     * How many workers may come or go within a time.
     *
     * @param percent whether the value is a share of the workers
     */
    public record Policy(boolean percent, int value, Duration period) {}

    /**
     * Reads a file of one ScaledObject.
     *
     * @throws IOException when it cannot be read
     * @throws IllegalArgumentException when it is none, or has what is not understood here; the message names it
     */
    public static ScaledObject read(Path file) throws IOException {
        Problems problems = new Problems(file.toString());
        JsonNode root = YamlDocument.parse(Files.readString(file), problems).root();
        problems.refuseAny();
        try {
            return of(root);
        } catch (IllegalArgumentException | ExpressionException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private static ScaledObject of(JsonNode root) {
        if (!root.path("kind").asText().equals("ScaledObject")) {
            throw new IllegalArgumentException(
                    "kind must be ScaledObject, not '" + root.path("kind").asText() + "'");
        }
        JsonNode spec = root.path("spec");
        JsonNode modifiers = spec.at("/advanced/scalingModifiers");
        JsonNode behavior = spec.at("/advanced/horizontalPodAutoscalerConfig/behavior");
        ScaledObject scaled = new ScaledObject(
                triggers(spec.path("triggers")),
                text(modifiers, "formula"),
                number(modifiers, "target", 0),
                number(modifiers, "activationTarget", 0),
                (int) number(spec, "minReplicaCount", 0),
                (int) number(spec, "maxReplicaCount", 100),
                seconds(spec, "pollingInterval", 30),
                seconds(spec, "cooldownPeriod", 300),
                rules(behavior.path("scaleUp"), 0, List.of(policy(true, 100, 15), policy(false, 4, 15))),
                rules(behavior.path("scaleDown"), 300, List.of(policy(true, 100, 15))));
        if (scaled.target <= 0) {
            throw new IllegalArgumentException("scalingModifiers.target must be more than 0");
        }
        scaled.value(scaled.triggers.stream().collect(Collectors.toMap(Trigger::name, trigger -> 0L)));
        return scaled;
    }

    private static List<Trigger> triggers(JsonNode triggers) {
        List<Trigger> read = new ArrayList<>();
        for (JsonNode trigger : triggers) {
            String type = trigger.path("type").asText();
            if (!type.startsWith("redis")) {
                throw new IllegalArgumentException("a trigger of type '" + type + "' cannot be played");
            }
            read.add(new Trigger(text(trigger, "name"), text(trigger.path("metadata"), "listName")));
        }
        if (read.isEmpty()) {
            throw new IllegalArgumentException("triggers must not be empty");
        }
        return List.copyOf(read);
    }

    private static Rules rules(JsonNode rules, int stabilization, List<Policy> standard) {
        String select = rules.path("selectPolicy").asText("Max");
        List<Policy> policies = new ArrayList<>();
        rules.path("policies")
                .forEach(policy -> policies.add(
                        policy(policy.path("type").asText().equals("Percent"), (int) number(policy, "value", 0), (int)
                                number(policy, "periodSeconds", 0))));
        return new Rules(
                seconds(rules, "stabilizationWindowSeconds", stabilization),
                select.equals("Disabled") ? List.of() : policies.isEmpty() ? standard : List.copyOf(policies),
                select.equals("Min"));
    }

    private static Policy policy(boolean percent, int value, int seconds) {
        return new Policy(percent, value, Duration.ofSeconds(seconds));
    }

    private static String text(JsonNode parent, String name) {
        String text = parent.path(name).asText("");
        if (text.isBlank()) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return text;
    }

    /** KEDA takes numbers as text in places. */
    private static double number(JsonNode parent, String name, double otherwise) {
        JsonNode value = parent.path(name);
        if (value.isMissingNode()) {
            return otherwise;
        }
        try {
            return Double.parseDouble(value.asText());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a number, not '" + value.asText() + "'", e);
        }
    }

    private static Duration seconds(JsonNode parent, String name, int otherwise) {
        return Duration.ofMillis(Math.round(1000 * number(parent, name, otherwise)));
    }

    /**
     * What the formula makes of the triggers' values.
     *
     * @param values by the triggers' names
     * @throws ExpressionException when the formula is more than sums, products and numbers of them
     */
    public double value(Map<String, Long> values) {
        Expression parsed = PARSER.parseExpression(formula);
        Number value = parsed.getValue(
                SimpleEvaluationContext.forPropertyAccessors(new MapAccessor()).build(), values, Number.class);
        if (value == null) {
            throw new IllegalArgumentException("the formula " + formula + " has no value");
        }
        return value.doubleValue();
    }

    /** The same for workers with so many slots, which is what its target counts. */
    public ScaledObject withTarget(int slots) {
        return new ScaledObject(
                triggers, formula, slots, activationTarget, minReplicas, maxReplicas, polling, cooldown, up, down);
    }

    /** The same with all its times divided. */
    public ScaledObject faster(double factor) {
        return new ScaledObject(
                triggers,
                formula,
                target,
                activationTarget,
                minReplicas,
                maxReplicas,
                divided(polling, factor),
                divided(cooldown, factor),
                faster(up, factor),
                faster(down, factor));
    }

    private static Rules faster(Rules rules, double factor) {
        return new Rules(
                divided(rules.stabilization, factor),
                rules.policies.stream()
                        .map(policy -> new Policy(policy.percent, policy.value, divided(policy.period, factor)))
                        .toList(),
                rules.smallest);
    }

    static Duration divided(Duration time, double factor) {
        return Duration.ofNanos(Math.round(time.toNanos() / factor));
    }
}
