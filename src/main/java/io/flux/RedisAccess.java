package io.flux;

import io.flux.config.NamedFile;
import io.flux.model.Secret;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.springframework.core.env.PropertyResolver;

/**
 * The Redis that {@code FLUX_REDIS_URL} names, and how to be let in: user and password, which may not stand in an address
 * that process lists show, and who vouches for its certificate.
 *
 * @param url without user and password, unless it came with them
 * @param user empty for Redis's default user
 * @param password null for none
 * @param authorities a PEM file; null for those that Java trusts
 */
record RedisAccess(URI url, String user, String password, Path authorities) {

    /**
     * As the options say; null when they name no Redis. Reads the password's file.
     *
     * @throws IllegalArgumentException when they contradict each other or a file is not there; the message holds no secret
     */
    static RedisAccess of(PropertyResolver options) {
        String url = options.getProperty("flux.redis-url", "");
        String user = options.getProperty("flux.redis-user", "");
        String ca = options.getProperty("flux.redis-ca", "");
        Secret password = password(options);
        if (url.isBlank()) {
            require(
                    user.isBlank() && ca.isBlank() && password == null,
                    "FLUX_REDIS_USER, FLUX_REDIS_PASSWORD, FLUX_REDIS_PASSWORD_FILE and FLUX_REDIS_CA need FLUX_REDIS_URL");
            return null;
        }
        URI address = parse(url);
        require(
                address.getRawUserInfo() == null || (user.isBlank() && password == null),
                "FLUX_REDIS_URL holds a user or a password, and so do other options; say them once");
        require(
                user.isBlank() || password != null,
                "FLUX_REDIS_USER needs FLUX_REDIS_PASSWORD or FLUX_REDIS_PASSWORD_FILE");
        require(!user.contains(":"), "FLUX_REDIS_USER must not contain a colon");
        if (!ca.isBlank()) {
            require(
                    address.getScheme().equals("rediss"),
                    "FLUX_REDIS_CA needs a FLUX_REDIS_URL that begins with rediss://, which is TLS");
            NamedFile file = new NamedFile("FLUX_REDIS_CA", Path.of(ca));
            if (!file.text().contains("-----BEGIN CERTIFICATE-----")) {
                throw file.refused("holds no certificate in PEM");
            }
        }
        return new RedisAccess(
                address, user, password == null ? null : password.read(), ca.isBlank() ? null : Path.of(ca));
    }

    private static Secret password(PropertyResolver options) {
        String value = options.getProperty("flux.redis-password", "");
        String file = options.getProperty("flux.redis-password-file", "");
        require(
                value.isBlank() || file.isBlank(),
                "FLUX_REDIS_PASSWORD and FLUX_REDIS_PASSWORD_FILE are both set; one of them must do");
        return !value.isBlank() ? Secret.of(value) : !file.isBlank() ? Secret.ofFile(Path.of(file)) : null;
    }

    /** Checked here, since Spring repeats a wrong address in its message, with the password that may stand in it. */
    private static URI parse(String url) {
        try {
            URI address = new URI(url);
            if (address.getHost() != null && String.valueOf(address.getScheme()).matches("rediss?")) {
                return address;
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new IllegalArgumentException(
                "FLUX_REDIS_URL must look like redis://host:6379, or rediss://host:6379 for TLS");
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /** What Spring's Redis client is to be configured with. */
    Map<String, Object> springProperties() {
        Map<String, Object> properties = new HashMap<>();
        properties.put("spring.data.redis.url", address().toASCIIString());
        if (authorities != null) {
            properties.put("spring.data.redis.ssl.bundle", "redis");
            properties.put(
                    "spring.ssl.bundle.pem.redis.truststore.certificate",
                    authorities.toAbsolutePath().toUri().toString());
        }
        return properties;
    }

    /** With user and password: Spring takes them from the address only, when it has one. */
    private URI address() {
        if (password == null) {
            return url;
        }
        try {
            return new URI(
                    url.getScheme(), user + ":" + password, url.getHost(), url.getPort(), url.getPath(), null, null);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("FLUX_REDIS_PASSWORD holds what no password may hold");
        }
    }

    /** Not the password. */
    @Override
    public String toString() {
        return "RedisAccess[" + url.getHost() + "]";
    }
}
