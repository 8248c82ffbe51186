package io.flux;

import io.flux.config.NamedFile;
import io.flux.model.Secret;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.springframework.core.env.PropertyResolver;

/**
 * The Redis that {@code FLUX_REDIS_URL} names, and how to be let in: user and password, which may not stand in an address
 * that process lists show, and who vouches for its certificate.
 *
 * @param user empty for Redis's default user
 * @param password null for none
 * @param sentinelPassword what the Sentinels themselves ask for; null for nothing
 * @param authorities a PEM file; null for those that Java trusts
 */
record RedisAccess(RedisAddress address, String user, String password, String sentinelPassword, Path authorities) {

    /**
     * As the options say; null when they name no Redis. Reads the password's file.
     *
     * @throws IllegalArgumentException when they contradict each other or a file is not there; the message holds no secret
     */
    static RedisAccess of(PropertyResolver options) {
        String url = options.getProperty("flux.redis-url", "");
        String user = options.getProperty("flux.redis-user", "");
        String ca = options.getProperty("flux.redis-ca", "");
        Secret password = password(options, "redis-password");
        Secret sentinelPassword = password(options, "redis-sentinel-password");
        if (url.isBlank()) {
            require(
                    user.isBlank() && ca.isBlank() && password == null && sentinelPassword == null,
                    "FLUX_REDIS_USER, FLUX_REDIS_PASSWORD, FLUX_REDIS_PASSWORD_FILE, FLUX_REDIS_CA and"
                            + " FLUX_REDIS_SENTINEL_PASSWORD need FLUX_REDIS_URL");
            return null;
        }
        RedisAddress address = RedisAddress.of(url);
        require(
                address.userInfo() == null || (user.isBlank() && password == null),
                "FLUX_REDIS_URL holds a user or a password, and so do other options; say them once");
        require(
                user.isBlank() || password != null,
                "FLUX_REDIS_USER needs FLUX_REDIS_PASSWORD or FLUX_REDIS_PASSWORD_FILE");
        require(!user.contains(":"), "FLUX_REDIS_USER must not contain a colon");
        require(
                sentinelPassword == null || address.kind() == RedisAddress.Kind.SENTINEL,
                "FLUX_REDIS_SENTINEL_PASSWORD needs a FLUX_REDIS_URL that begins with redis-sentinel:// or"
                        + " rediss-sentinel://");
        if (!ca.isBlank()) {
            require(
                    address.tls(),
                    "FLUX_REDIS_CA needs a FLUX_REDIS_URL that begins with rediss://, rediss-cluster:// or"
                            + " rediss-sentinel://, which are TLS");
            NamedFile file = new NamedFile("FLUX_REDIS_CA", Path.of(ca));
            if (!file.text().contains("-----BEGIN CERTIFICATE-----")) {
                throw file.refused("holds no certificate in PEM");
            }
        }
        return new RedisAccess(
                address,
                user.isBlank() ? address.user() : user,
                password == null ? address.password() : password.read(),
                sentinelPassword == null ? null : sentinelPassword.read(),
                ca.isBlank() ? null : Path.of(ca));
    }

    private static Secret password(PropertyResolver options, String name) {
        String value = options.getProperty("flux." + name, "");
        String file = options.getProperty("flux." + name + "-file", "");
        String variable = "FLUX_" + name.toUpperCase(Locale.ROOT).replace('-', '_');
        require(
                value.isBlank() || file.isBlank(),
                variable + " and " + variable + "_FILE are both set; one of them must do");
        return !value.isBlank() ? Secret.of(value) : !file.isBlank() ? Secret.ofFile(Path.of(file)) : null;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /** What Spring's Redis client is to be configured with. */
    Map<String, Object> springProperties() {
        Map<String, Object> properties = new HashMap<>();
        String prefix = "spring.data.redis.";
        if (address.kind() == RedisAddress.Kind.SINGLE) {
            properties.put(prefix + "url", url().toASCIIString());
        } else {
            properties.put(prefix + "ssl.enabled", address.tls());
            put(properties, prefix + "username", user);
            put(properties, prefix + "password", password);
            String nodes = String.join(",", address.nodes());
            if (address.kind() == RedisAddress.Kind.CLUSTER) {
                properties.put(prefix + "cluster.nodes", nodes);
            } else {
                properties.put(prefix + "sentinel.nodes", nodes);
                properties.put(prefix + "sentinel.master", address.master());
                properties.put(prefix + "database", address.database());
                put(properties, prefix + "sentinel.password", sentinelPassword);
            }
        }
        if (authorities != null) {
            properties.put(prefix + "ssl.bundle", "redis");
            properties.put(
                    "spring.ssl.bundle.pem.redis.truststore.certificate",
                    authorities.toAbsolutePath().toUri().toString());
        }
        return properties;
    }

    /** A secret may hold what Spring would take for a placeholder. */
    private static void put(Map<String, Object> properties, String name, String value) {
        if (value != null && !value.isEmpty()) {
            properties.put(name, value.replace("${", "\\${"));
        }
    }

    /** With user and password: Spring takes them from the address only, when it has one. */
    private URI url() {
        URI url = address.url();
        if (password == null || address.userInfo() != null) {
            return url;
        }
        try {
            return new URI(
                    url.getScheme(), user + ":" + password, url.getHost(), url.getPort(), url.getPath(), null, null);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("FLUX_REDIS_PASSWORD holds what no password may hold");
        }
    }

    /** No password. */
    @Override
    public String toString() {
        return "RedisAccess[" + address + "]";
    }
}
