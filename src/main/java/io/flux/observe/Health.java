package io.flux.observe;

import io.flux.ledger.RefusedWrites;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.ServiceStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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
    private static final Logger LOG = LoggerFactory.getLogger(Health.class);
    /**
     * Never there, so that setting it where it is there changes nothing; and it is a write, which a PING is not. A Cluster
     * answers for the node that would have it, and a PING for all its nodes.
     */
    private static final String NO_KEY = "flux:{models}:written";

    private static final Duration ANY_TIME = Duration.ofSeconds(1);

    private final CamelContext camel;
    private final StringRedisTemplate redis;
    private final ObjectProvider<Readiness> readiness;
    private final Descriptors descriptors = new Descriptors();
    private String refusedWrites;
    private String fewDescriptors;

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
        checks.put("descriptors", descriptors.problem());
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

    /** Logs once when Redis begins to take no writes and when descriptors are nearly gone, and when that is over. Blocks. */
    public synchronized void watch() {
        String few = descriptors.problem();
        if ((few == null) != (fewDescriptors == null)) {
            if (few == null) {
                LOG.info("file descriptors are free again");
            } else {
                LOG.error("{}", few);
            }
        }
        fewDescriptors = few;
        try {
            write();
            if (refusedWrites != null) {
                LOG.info("Redis takes writes again");
            }
            refusedWrites = null;
        } catch (DataAccessException e) {
            String refused = RefusedWrites.reason(e);
            if (refused != null && !refused.equals(refusedWrites)) {
                LOG.error("{}; jobs are kept, and requests are answered with 503 until it takes writes again", refused);
                refusedWrites = refused;
            }
        }
    }

    /** Whether a failure is to be logged where it occurs; {@link #watch} logs what many fail for. */
    public boolean isToBeLogged(Throwable failure) {
        return RefusedWrites.reason(failure) == null;
    }

    private void write() {
        redis.opsForValue().setIfPresent(NO_KEY, "", ANY_TIME);
    }

    private static Report report(Map<String, String> checks) {
        checks.replaceAll((part, problem) -> problem == null ? UP : problem);
        boolean up = checks.values().stream().allMatch(UP::equals);
        return new Report(up ? UP : "down", checks);
    }

    private String redisProblem() {
        try {
            write();
            return null;
        } catch (DataAccessException e) {
            String refused = RefusedWrites.reason(e);
            if (refused != null) {
                return refused;
            }
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
