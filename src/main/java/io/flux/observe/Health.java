package io.flux.observe;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.ServiceStatus;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.core.StringRedisTemplate;

/**
 * Whether this process can do its work, and whether a new start would help it. Thread-safe.
 *
 * <p>A process that cannot reach Redis, or whose engine is not there, is not ready and alive all the same: no restart brings
 * Redis back or makes a model appear, and one would cut the answers that are under way.
 */
public final class Health {
    private static final String UP = "up";
    /** Whether it is there does not matter. A Cluster answers for the node that has it, and a PING for all its nodes. */
    private static final String ANY_KEY = "flux:{models}:names";

    private final CamelContext camel;
    private final StringRedisTemplate redis;
    private final ObjectProvider<Readiness> readiness;

    /** A part that can be unready for a reason of its own. */
    public interface Readiness {
        /** The part's name. */
        String name();

        /** Null when it is ready, else why it is not. */
        String problem();

        /** Whether the process does all its work in spite of the problem, which is shown and does not make it unready. */
        default boolean isServing() {
            return false;
        }
    }

    /**
     * @param status {@code up} or {@code down}
     * @param checks {@code up}, or what is wrong, for each part
     */
    public record Report(String status, Map<String, String> checks) {
        /** The HTTP status: 200 or 503. */
        public int httpStatus() {
            return status.equals(UP) ? 200 : 503;
        }
    }

    public Health(CamelContext camel, StringRedisTemplate redis, ObjectProvider<Readiness> readiness) {
        this.camel = camel;
        this.redis = redis;
        this.readiness = readiness;
    }

    /** Whether it can do its work: asks every part. Blocks for one round trip to Redis. */
    public Report report() {
        Map<String, String> checks = new LinkedHashMap<>();
        checks.put("redis", redisProblem());
        checks.put("routes", routesProblem());
        Map<String, String> remarks = new LinkedHashMap<>();
        readiness.orderedStream().forEach(part -> (part.isServing() ? remarks : checks)
                .put(part.name(), part.problem()));
        String status = report(checks).status();
        remarks.forEach((part, remark) -> checks.put(part, remark == null ? UP : remark));
        return new Report(status, checks);
    }

    /** Whether it runs as it was started. Asks nothing outside of this process, and blocks for nothing. */
    public Report life() {
        Map<String, String> checks = new LinkedHashMap<>();
        checks.put("routes", routesProblem());
        return report(checks);
    }

    private static Report report(Map<String, String> checks) {
        checks.replaceAll((part, problem) -> problem == null ? UP : problem);
        boolean up = checks.values().stream().allMatch(UP::equals);
        return new Report(up ? UP : "down", checks);
    }

    private String redisProblem() {
        try {
            redis.hasKey(ANY_KEY);
            return null;
        } catch (DataAccessException e) {
            return "Redis does not answer: " + e.getMostSpecificCause().getMessage();
        }
    }

    private String routesProblem() {
        for (Route route : camel.getRoutes()) {
            ServiceStatus status = camel.getRouteController().getRouteStatus(route.getRouteId());
            if (status != null && !status.isStarted() && !status.isStarting()) {
                return "route " + route.getRouteId() + " is " + status.name().toLowerCase(Locale.ROOT);
            }
        }
        return null;
    }
}
