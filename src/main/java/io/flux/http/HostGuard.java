package io.flux.http;

import io.netty.util.NetUtil;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Answers only requests that were sent to this process, by the {@code Host} that they name. Without keys this is what
 * keeps web pages out (DNS rebinding): a page's site may let its own name resolve to 127.0.0.1, and the browser then takes
 * Flux for that site, but goes on to name the site. So a request passes when it names a loopback address,
 * {@code FLUX_HOST}, or the host of an allowed origin. A process without the gateway bundle, which Kubernetes and
 * Prometheus reach by the address of its pod, also passes other IP addresses: they are not names, and cannot be rebound.
 * With keys, which no page of another site has, every host passes that is one.
 *
 * <p>Comes before the router, so that no path is exempt, and a handshake neither. Thread-safe.
 */
final class HostGuard implements Handler<HttpServerRequest> {
    private static final Pattern AUTHORITY =
            Pattern.compile("(?<host>\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::\\d{0,5})?");
    private static final Pattern ABSOLUTE = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*://(?<authority>[^/?#]*).*");

    private static final int BAD_REQUEST = 400;
    private static final int MISDIRECTED = 421;

    private final Rule rule;
    private final Handler<HttpServerRequest> next;

    /**
     * Which hosts pass.
     *
     * @param all whether every host does
     * @param passes asked of a host in lower case, without brackets and port
     */
    record Rule(boolean all, Predicate<String> passes) {}

    /**
     * @param next handles the requests that pass
     */
    HostGuard(Rule rule, Handler<HttpServerRequest> next) {
        this.rule = rule;
        this.next = next;
    }

    /** With keys. */
    static Rule any() {
        return new Rule(true, host -> true);
    }

    /**
     * Without keys.
     *
     * @param own {@code FLUX_HOST}
     * @param allowedOrigins of pages that may connect; {@code *} for all, whose hosts are all too
     * @param addresses whether every IP address passes
     */
    static Rule known(String own, List<String> allowedOrigins, boolean addresses) {
        if (allowedOrigins.contains("*")) {
            return any();
        }
        Set<String> names = Stream.concat(
                        Stream.of(own), allowedOrigins.stream().map(HostGuard::hostOf))
                .filter(host -> !host.isEmpty())
                .map(HostGuard::normal)
                .collect(Collectors.toUnmodifiableSet());
        return new Rule(false, host -> isLoopback(host) || names.contains(host) || addresses && address(host) != null);
    }

    private static String hostOf(String origin) {
        try {
            String host = URI.create(origin).getHost();
            return host == null ? "" : host;
        } catch (IllegalArgumentException e) {
            return ""; // an origin that no browser sends allows no host
        }
    }

    @Override
    public void handle(HttpServerRequest request) {
        List<String> hosts = request.headers().getAll(HttpHeaders.HOST);
        if (hosts.size() > 1) {
            HttpErrors.answer(request, BAD_REQUEST, "the header Host must be there once");
            return;
        }
        String host = hosts.isEmpty() ? null : host(hosts.get(0));
        Matcher target = ABSOLUTE.matcher(request.uri());
        boolean passes = host != null && rule.passes().test(host);
        if (passes && target.matches()) {
            String named = host(target.group("authority"));
            passes = named != null && rule.passes().test(named);
        }
        if (passes || mayBeMissing(request, hosts)) {
            next.handle(request);
        } else if (rule.all()) {
            HttpErrors.answer(request, BAD_REQUEST, "the header Host must be a host, with or without a port");
        } else {
            HttpErrors.answer(
                    request,
                    MISDIRECTED,
                    "the header Host must name a loopback address, FLUX_HOST or the host of one of FLUX_ALLOWED_ORIGINS, "
                            + "since this process has no keys");
        }
    }

    /** HTTP/1.0 has no Host; without keys it must be there all the same. */
    private boolean mayBeMissing(HttpServerRequest request, List<String> hosts) {
        return rule.all() && hosts.isEmpty() && request.version() == HttpVersion.HTTP_1_0;
    }

    /** Null when it is none. */
    private static String host(String authority) {
        Matcher parts = AUTHORITY.matcher(authority);
        return parts.matches() ? normal(parts.group("host")) : null;
    }

    private static String normal(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        if (name.startsWith("[") && name.endsWith("]")) {
            return name.substring(1, name.length() - 1);
        }
        return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }

    private static boolean isLoopback(String host) {
        InetAddress address = address(host);
        return address == null ? host.equals("localhost") || host.endsWith(".localhost") : address.isLoopbackAddress();
    }

    /** Null when it is a name. Asks no name server. */
    private static InetAddress address(String host) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(host);
        try {
            return bytes == null ? null : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            return null;
        }
    }
}
