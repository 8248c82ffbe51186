package io.flux;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.apache.camel.spring.boot.CamelSpringBootInitializationException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.env.Environment;
import org.springframework.dao.DataAccessException;

/**
 * Lets a start that fails for a reason of our own say just that reason, which tells what to do, and no stack trace. The same for
 * a route that Camel cannot load or start: which one, and why.
 */
final class StartFailureAnalyzer extends AbstractFailureAnalyzer<RuntimeException> {
    private final Environment environment;

    /** Made by Spring. */
    StartFailureAnalyzer(Environment environment) {
        this.environment = environment;
    }

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, RuntimeException cause) {
        for (Throwable failure = rootFailure; failure != null; failure = failure.getCause()) {
            boolean states = failure instanceof IllegalStateException || failure instanceof IllegalArgumentException;
            if (states && isOurs(failure)) {
                return new FailureAnalysis(failure.getMessage(), null, rootFailure);
            }
        }
        String file = ofFiles(rootFailure);
        if (file != null) {
            return new FailureAnalysis(file, null, rootFailure);
        }
        String redis = ofRedis(rootFailure);
        if (redis != null) {
            return new FailureAnalysis(redis, null, rootFailure);
        }
        String route = ofRoutes(rootFailure);
        return route == null ? null : new FailureAnalysis(route, null, rootFailure);
    }

    /** What of ours a file or folder has stopped, and why; null when it was none. */
    private String ofFiles(Throwable rootFailure) {
        for (Throwable failure = rootFailure; failure != null; failure = failure.getCause()) {
            if (failure instanceof UncheckedIOException && isOurs(failure)) {
                String data = environment.getProperty("flux.data", "");
                boolean inData = !data.isEmpty()
                        && failure.getMessage()
                                .contains(Path.of(data)
                                        .toAbsolutePath()
                                        .normalize()
                                        .toString());
                return failure.getMessage() + ": " + failure.getCause()
                        + (inData ? "; FLUX_DATA names another folder" : "");
            }
        }
        return null;
    }

    /** What Redis did not do, after it had let this process in; null when that was it not. */
    private static String ofRedis(Throwable rootFailure) {
        for (Throwable failure = rootFailure; failure != null; failure = failure.getCause()) {
            if (failure instanceof DataAccessException redis) {
                return "Redis (FLUX_REDIS_URL) does not do what a start needs: "
                        + redis.getMostSpecificCause().getMessage();
            }
        }
        return null;
    }

    /** What Camel says of a route and, unless it has said that too, what was behind it; null when it is not about routes. */
    private static String ofRoutes(Throwable rootFailure) {
        Throwable camels = rootFailure;
        while (camels != null
                && (!camels.getClass().getName().startsWith("org.apache.camel.")
                        || camels instanceof CamelSpringBootInitializationException)) {
            camels = camels.getCause();
        }
        if (camels == null || camels.getMessage() == null) {
            return null;
        }
        Throwable deepest = camels;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        String said = camels.getMessage();
        String reason = String.valueOf(deepest.getMessage());
        return "the routes cannot be started (FLUX_ROUTES): " + said + (said.contains(reason) ? "" : ": " + reason);
    }

    private static boolean isOurs(Throwable failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        return trace.length > 0 && trace[0].getClassName().startsWith("io.flux.");
    }
}
