package io.flux.callback;

import io.flux.model.Secret;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs what is posted, as Standard Webhooks 1.0 says (standardwebhooks.com): HMAC-SHA256 over {@code id.timestamp.body}.
 * Receivers verify with any of that specification's libraries. Thread-safe.
 */
final class WebhookSignature {
    private static final String ALGORITHM = "HmacSHA256";
    private static final String PREFIX = "whsec_";

    private final Secret secret;

    /**
     * @param secret {@code whsec_} and base64, as those libraries take it; or any other text, whose bytes are the secret
     */
    WebhookSignature(Secret secret) {
        this.secret = secret;
    }

    /**
     * The value of the header {@code webhook-signature}.
     *
     * @param timestamp seconds since 1970
     * @throws IllegalStateException when there is no secret
     */
    String sign(String id, long timestamp, String body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(key(secret.read()), ALGORITHM));
            byte[] digest = mac.doFinal((id + "." + timestamp + "." + body).getBytes(StandardCharsets.UTF_8));
            return "v1," + Base64.getEncoder().encodeToString(digest);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no " + ALGORITHM, e);
        }
    }

    private static byte[] key(String text) {
        return text.startsWith(PREFIX)
                ? Base64.getDecoder().decode(text.substring(PREFIX.length()))
                : text.getBytes(StandardCharsets.UTF_8);
    }
}
