package io.flux.job;

import java.util.Set;
import java.util.regex.Pattern;

/**
 * A job's id in Flux: the request_id that its client knows and the tenant that it belongs to, {@code poem-1@acme}; where
 * there are no tenants, the request_id alone. So tenants cannot meet in one id, nor learn of each other's.
 */
public final class JobIds {
    /** In no request_id and in no tenant's name. */
    private static final char AT = '@';

    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
    /** To an expression in a route the first is no string but nothing; in a path of HTTP the others lead elsewhere. */
    private static final Set<String> RESERVED = Set.of("null", ".", "..");

    private JobIds() {}

    /** Whether a client may call a job so. */
    static boolean isRequestId(String text) {
        return text != null && REQUEST_ID.matcher(text).matches() && !RESERVED.contains(text);
    }

    /**
     * @param requestId null stays null
     * @param tenant empty for none
     */
    public static String of(String requestId, String tenant) {
        return requestId == null || tenant.isEmpty() ? requestId : requestId + AT + tenant;
    }

    /** What the client calls the job; null for null. */
    public static String requestId(String id) {
        int at = id == null ? -1 : id.indexOf(AT);
        return at < 0 ? id : id.substring(0, at);
    }

    /** Whose job it is; empty for nobody's. */
    public static String tenant(String id) {
        int at = id.indexOf(AT);
        return at < 0 ? "" : id.substring(at + 1);
    }
}
