package io.flux.cli;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpTimeoutException;
import java.net.http.WebSocketHandshakeException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.SSLException;

/**
 * Where a Flux is: {@code http} or {@code ws}, with or without a path.
 *
 * @param uri without a slash at its end
 * @param given whether somebody chose the address, and it is not the default
 */
record FluxUrl(URI uri, boolean given) {
    private static final String DEFAULT = "http://127.0.0.1:8080";
    private static final String WEB_SOCKET = "/ws/generate";

    /**
     * The address that a command talks to.
     *
     * @param option what {@code --url} says; null for nothing
     * @param environment where {@code FLUX_URL} may be
     */
    static FluxUrl of(String option, Map<String, String> environment) throws Misuse {
        String chosen = option == null ? environment.getOrDefault("FLUX_URL", "") : option;
        return chosen.isBlank() ? new FluxUrl(URI.create(DEFAULT), false) : new FluxUrl(parse(chosen), true);
    }

    private static URI parse(String url) throws Misuse {
        try {
            URI uri = new URI(url.replaceAll("/+$", ""));
            String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
            if (scheme.matches("https?|wss?") && uri.getHost() != null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new Misuse("the URL of Flux must look like http://host:8080, not '" + url + "'");
    }

    /** Where its WebSocket is. */
    URI webSocket() {
        return URI.create((isSecure() ? "wss://" : "ws://") + base() + WEB_SOCKET);
    }

    /**
     * Something else of it.
     *
     * @param path begins with a slash, and is encoded
     */
    URI http(String path) {
        return URI.create((isSecure() ? "https://" : "http://") + base() + path);
    }

    private boolean isSecure() {
        return uri.getScheme().toLowerCase(Locale.ROOT).matches("https|wss");
    }

    /** The address may have been given as that of the WebSocket. */
    private String base() {
        String path = uri.getRawPath() == null ? "" : uri.getRawPath();
        return uri.getRawAuthority()
                + (path.endsWith(WEB_SOCKET) ? path.substring(0, path.length() - WEB_SOCKET.length()) : path);
    }

    /** Whether a Flux may be started here when none answers there. */
    boolean isOnThisMachine() {
        String host = uri.getHost();
        return !given || host.equalsIgnoreCase("localhost") || host.equals("[::1]") || host.matches("127\\.[0-9.]+");
    }

    /** That nothing answers there, and why. */
    String unreachable(IOException failure) {
        return "no Flux answers at " + uri + ": " + reason(failure);
    }

    /** What a failed connection is for a reader; Java leaves the message of most of them empty. */
    static String reason(IOException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "there is no such host";
            }
            if (cause instanceof WebSocketHandshakeException refused) {
                return "HTTP status " + refused.getResponse().statusCode();
            }
        }
        if (failure instanceof SSLException) {
            return "it cannot be trusted (" + failure.getMessage()
                    + "); FLUX_CA names the certificate of who vouches for it";
        }
        if (failure instanceof HttpTimeoutException) {
            return "no answer in time";
        }
        if (failure instanceof ConnectException) {
            return "nothing listens there";
        }
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
