package io.flux;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code FLUX_REDIS_URL} names: one server, the first nodes of a Cluster, or the Sentinels that know a master.
 *
 * @param tls whether it is spoken to through TLS; with Sentinel, they and the servers
 * @param userInfo as it stands in the address; null when it holds neither user nor password
 * @param url the address itself, for one server; else null
 * @param nodes {@code host:port}, a host of IPv6 without brackets; empty for one server
 * @param master what the Sentinels call it; empty unless there are Sentinels
 * @param database 0 unless the Sentinels' address names another
 */
record RedisAddress(Kind kind, boolean tls, String userInfo, URI url, List<String> nodes, String master, int database) {
    private static final String SINGLE_FORM = "redis://host:6379, or rediss://host:6379 for TLS";
    private static final String CLUSTER_FORM = "redis-cluster://host:6379,host:6379 for a Cluster";
    private static final String SENTINEL_FORM =
            "redis-sentinel://host:26379,host:26379#master for Sentinel, with the name that it knows the master by";

    private static final Pattern SEVERAL = Pattern.compile(
            "redis(?<tls>s?)-(?<kind>cluster|sentinel)://(?:(?<user>.*)@)?(?<hosts>[^@/?#]+)(?:/(?<database>\\d{0,5}))?(?:#(?<master>[A-Za-z0-9._-]+))?");
    private static final Pattern HOST = Pattern.compile(
            "(?:(?<name>[A-Za-z0-9._-]+)|\\[(?<literal>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)])(?::(?<port>\\d{1,5}))?");

    enum Kind {
        SINGLE,
        CLUSTER,
        SENTINEL
    }

    /**
     * Reads it.
     *
     * @throws IllegalArgumentException when it is none; the message repeats nothing of it, as a password may stand in it
     */
    static RedisAddress of(String text) {
        if (!text.startsWith("redis-") && !text.startsWith("rediss-")) {
            return single(text);
        }
        Matcher parts = SEVERAL.matcher(text);
        if (!parts.matches()) {
            throw malformed(form(text));
        }
        Kind kind = parts.group("kind").equals("cluster") ? Kind.CLUSTER : Kind.SENTINEL;
        String database = parts.group("database");
        boolean named = parts.group("master") != null;
        if (kind == Kind.CLUSTER && (database != null || named)) {
            throw new IllegalArgumentException("FLUX_REDIS_URL must look like " + CLUSTER_FORM
                    + "; nothing comes after the hosts, as a Cluster has one" + " database");
        }
        if (kind == Kind.SENTINEL && !named) {
            throw malformed(SENTINEL_FORM);
        }
        return new RedisAddress(
                kind,
                !parts.group("tls").isEmpty(),
                parts.group("user"),
                null,
                nodes(kind, parts.group("hosts")),
                named ? parts.group("master") : "",
                database == null || database.isEmpty() ? 0 : Integer.parseInt(database));
    }

    private static RedisAddress single(String text) {
        try {
            URI url = withPort(new URI(text));
            if (url.getHost() != null && String.valueOf(url.getScheme()).matches("rediss?")) {
                return new RedisAddress(
                        Kind.SINGLE, url.getScheme().equals("rediss"), url.getRawUserInfo(), url, List.of(), "", 0);
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw malformed(SINGLE_FORM + "; " + CLUSTER_FORM + "; " + SENTINEL_FORM);
    }

    private static URI withPort(URI url) throws URISyntaxException {
        if (url.getHost() == null || url.getPort() >= 0) {
            return url;
        }
        // Not taken apart and put together: a password may hold what is encoded.
        String authority = url.getRawAuthority();
        String text = url.toString();
        int end = text.indexOf("//") + 2 + authority.length();
        return new URI(url.getScheme() + "://" + authority.replaceFirst(":$", "") + ":6379" + text.substring(end));
    }

    private static List<String> nodes(Kind kind, String hosts) {
        List<String> nodes = new ArrayList<>();
        for (String text : hosts.split(",", -1)) {
            Matcher host = HOST.matcher(text);
            String port = host.matches() ? host.group("port") : "";
            if (port == null) {
                port = kind == Kind.SENTINEL ? "26379" : "6379";
            }
            if (port.isEmpty() || Integer.parseInt(port) < 1 || Integer.parseInt(port) > 65_535) {
                throw malformed(kind == Kind.SENTINEL ? SENTINEL_FORM : CLUSTER_FORM);
            }
            nodes.add((host.group("name") == null ? host.group("literal") : host.group("name")) + ":" + port);
        }
        return nodes;
    }

    private static String form(String text) {
        return text.matches("rediss?-cluster:.*")
                ? CLUSTER_FORM
                : text.matches("rediss?-sentinel:.*") ? SENTINEL_FORM : CLUSTER_FORM + "; " + SENTINEL_FORM;
    }

    private static IllegalArgumentException malformed(String form) {
        return new IllegalArgumentException("FLUX_REDIS_URL must look like " + form);
    }

    /** The user that stands in the address; empty for none. */
    String user() {
        return userInfo == null || !userInfo.contains(":") ? "" : decoded(userInfo.substring(0, userInfo.indexOf(':')));
    }

    /** The password that stands in the address; null for none. */
    String password() {
        return userInfo == null ? null : decoded(userInfo.substring(userInfo.indexOf(':') + 1));
    }

    /** A plus sign is itself: an address is no form. */
    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "FLUX_REDIS_URL holds a user or a password with a % that encodes nothing");
        }
    }

    /** Where it is, for people: {@code host:port}, or several of them. Holds neither user nor password. */
    String where() {
        return url == null ? String.join(",", nodes) : url.getHost() + ":" + url.getPort();
    }

    /** Neither user nor password. */
    @Override
    public String toString() {
        return "RedisAddress[" + kind + " " + (url == null ? nodes : url.getHost()) + "]";
    }
}
