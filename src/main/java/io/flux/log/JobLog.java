package io.flux.log;

import io.flux.job.JobIds;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.MDC;

/**
 * The fields of log lines about a job: {@code request_id}, {@code tenant}, {@code model}, {@code attempt} and {@code
 * worker}. They are the thread's, so that whatever it logs meanwhile has them, libraries' lines too; in text they follow
 * the message, in JSON they are fields. Messages need not name the job.
 *
 * <p>{@link #about} is for lines, by any thread: {@snippet :
 * try (var unused = JobLog.about(id, model)) {
 *     LOG.warn("what happened to it");
 * }
 * }
 *
 * <p>{@link #enter} and {@link #leave} are for a thread that has a job for a while. What enters leaves what was before.
 */
public final class JobLog {
    private static final String REQUEST_ID = "request_id";
    private static final String TENANT = "tenant";
    private static final String MODEL = "model";
    private static final String ATTEMPT = "attempt";
    private static final String WORKER = "worker";
    private static final String[] ALL = {REQUEST_ID, TENANT, MODEL, ATTEMPT, WORKER};

    private JobLog() {}

    /** Lines of this thread are about a job until it is closed; then they are about what they were about before. */
    public static final class Scope implements AutoCloseable {
        private final Map<String, String> before = new HashMap<>();

        private Scope() {
            for (String field : ALL) {
                before.put(field, MDC.get(field));
            }
        }

        @Override
        public void close() {
            before.forEach(JobLog::put);
        }
    }

    /** @param id the job's; null when it is not known */
    public static Scope about(String id) {
        return about(id, null);
    }

    /** @param id the job's; null when it is not known */
    public static Scope about(String id, String model) {
        Scope scope = new Scope();
        leave();
        set(id, model);
        return scope;
    }

    /** @param id the job's; null when it is not known */
    public static Scope about(String id, String model, int attempt) {
        Scope scope = about(id, model);
        attempt(attempt);
        return scope;
    }

    /** From now on this thread's lines are about a job of this worker. */
    public static void enter(String id, String model, String worker) {
        leave();
        set(id, model);
        put(WORKER, worker);
    }

    /** From now on this thread's lines are about this attempt at the job. */
    public static void attempt(int number) {
        put(ATTEMPT, Integer.toString(number));
    }

    /** From now on this thread's lines are about no job. */
    public static void leave() {
        for (String field : ALL) {
            MDC.remove(field);
        }
    }

    private static void set(String id, String model) {
        put(REQUEST_ID, JobIds.requestId(id));
        String tenant = id == null ? "" : JobIds.tenant(id);
        put(TENANT, tenant.isEmpty() ? null : tenant);
        put(MODEL, model);
    }

    private static void put(String field, String value) {
        if (value == null) {
            MDC.remove(field);
        } else {
            MDC.put(field, value);
        }
    }
}
