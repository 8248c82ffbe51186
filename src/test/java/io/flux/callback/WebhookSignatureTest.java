package io.flux.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flux.model.Secret;
import org.junit.jupiter.api.Test;

class WebhookSignatureTest {

    /** The example of the specification of Standard Webhooks. */
    @Test
    void itIsTheOneThatTheSpecificationGives() {
        WebhookSignature signature = new WebhookSignature(Secret.of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assertThat(signature.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void aSecretThatIsNoSuchTextIsTakenAsItIs() {
        assertThat(new WebhookSignature(Secret.of("secret")).sign("a", 1, "{}"))
                .isNotEqualTo(new WebhookSignature(Secret.of("other")).sign("a", 1, "{}"))
                .startsWith("v1,");
    }

    @Test
    void aSecretThatIsEmptyIsSaidToBe() {
        assertThatThrownBy(() -> new WebhookSignature(Secret.of(" ")).sign("a", 1, "{}"))
                .isInstanceOf(IllegalStateException.class);
    }
}
