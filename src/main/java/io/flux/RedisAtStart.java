package io.flux;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.data.redis.core.StringRedisTemplate;

/**
 * Asks Redis one question before anything else does, so that a start without Redis ends with one sentence that names the
 * option, whatever would have asked first. A Redis that is reading its data is waited for. The connection is used later on.
 */
final class RedisAtStart implements SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(RedisAtStart.class);
    /** Whether it is there does not matter; every user of Flux's may ask for it. */
    private static final String ANY_KEY = "flux:{models}:names";

    private static final long PAUSE_MS = 200;

    private final StringRedisTemplate redis;
    private final String name;
    private volatile boolean running;

    /** @param name what people are told that it is, with the option that chooses it and without a password */
    RedisAtStart(StringRedisTemplate redis, String name) {
        this.redis = redis;
        this.name = name;
    }

    /**
     * Blocks until Redis has answered.
     *
     * @throws IllegalStateException when it cannot be reached or does not let this process in, saying why
     */
    @Override
    public void start() {
        boolean told = false;
        while (!answers()) {
            if (!told) {
                LOG.info("Waiting for {}, which is reading its data", name);
                told = true;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while Redis was reading its data", e);
            }
        }
        running = true;
    }

    /** False while it reads its data. */
    private boolean answers() {
        try {
            redis.hasKey(ANY_KEY);
            return true;
        } catch (DataAccessException e) {
            Throwable cause = e.getMostSpecificCause();
            if (isError(e, "LOADING")) {
                return false;
            }
            throw new IllegalStateException(problem(e, cause), e);
        }
    }

    private String problem(DataAccessException failure, Throwable cause) {
        if (isError(failure, "NOAUTH")) {
            return name + " requires a password: set FLUX_REDIS_PASSWORD or FLUX_REDIS_PASSWORD_FILE";
        }
        if (isError(failure, "WRONGPASS") || isError(failure, "ERR AUTH")) {
            return name + " does not accept the user and the password: check FLUX_REDIS_USER, FLUX_REDIS_PASSWORD and"
                    + " FLUX_REDIS_PASSWORD_FILE, or those in FLUX_REDIS_URL";
        }
        if (isError(failure, "")) {
            return name + " answers with an error: " + cause.getMessage();
        }
        if (failure instanceof QueryTimeoutException) {
            return name + " does not answer";
        }
        for (Throwable one = failure; one != null; one = one.getCause()) {
            if (one instanceof SSLException) {
                return name + " cannot be spoken to through TLS: " + one.getMessage()
                        + "; FLUX_REDIS_CA names the certificates that are trusted";
            }
        }
        // Without the name of the system's call, which only Netty's readers know.
        return name + " cannot be reached: "
                + String.valueOf(cause.getMessage())
                        .replaceFirst("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ", "");
    }

    /** Whether Redis itself has answered so. */
    private static boolean isError(Throwable failure, String beginning) {
        for (Throwable one = failure; one != null; one = one.getCause()) {
            if (one instanceof RedisCommandExecutionException
                    && String.valueOf(one.getMessage()).startsWith(beginning)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void stop() {
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** The first to start. */
    @Override
    public int getPhase() {
        return Integer.MIN_VALUE;
    }
}
