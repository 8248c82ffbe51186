package io.flux.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.JobRequest;
import io.flux.job.MessageReader;
import io.flux.job.Refusal;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallbackTargetsTest {
    private final CallbackTargets targets = new CallbackTargets(false, true);

    private static JobRequest request(String url) {
        return new JobRequest(
                "a", "m", "x", null, 5, null, null, null, null, null, null, null, null, null, null, null, url, false);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1/",
                "http://localhost:8080/x",
                "https://10.1.2.3/",
                "http://172.16.0.1/",
                "http://192.168.1.1/",
                "http://169.254.169.254/latest/meta-data",
                "http://100.64.0.1/",
                "http://0.0.0.0/",
                "http://2130706433/",
                "http://224.0.0.1/",
                "http://255.255.255.255/",
                "http://[::1]/",
                "http://[::]/",
                "http://[fe80::1]/",
                "http://[fd00::1]/",
                "http://[::ffff:10.0.0.1]/",
                "http://[64:ff9b::a00:1]/",
                "http://[2002:a00:1::]/",
                "http://168.63.129.16/machine",
                "http://[::7f00:1]/",
                "http://[::a83f:8110]/",
                "http://[::ffff:168.63.129.16]/",
                "http://[64:ff9b::a83f:8110]/",
                "http://[64:ff9b:1::a00:1]/",
                "http://[2001:0:1::1]/",
                "http://[2001:db8::1]/",
                "http://[fec0::1]/",
                "http://[fd00:ec2::254]/latest/meta-data",
                "http://[100::1]/",
                "http://[5f00::1]/",
                "http://[3fff::1]/",
                "http://100.100.100.200/latest/meta-data",
                "http://100.127.255.255/",
                "http://192.0.0.192/opc/v2",
                "http://192.0.2.1/",
                "http://192.88.99.1/",
                "http://198.19.255.255/",
                "http://198.51.100.1/",
                "http://203.0.113.1/",
                "http://240.0.0.1/",
            })
    void anAddressInFluxsOwnNetworkIsRefused(String url) {
        Refusal refusal = catchThrowableOfType(Refusal.class, () -> targets.check(request(url)));
        assertThat(refusal).as(url).isNotNull();
        assertThat(refusal.event().field()).isEqualTo("callback_url");
        assertThat(refusal.event().code()).isEqualTo("forbidden");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://8.8.8.8/",
                "http://168.63.129.17/",
                "http://100.63.255.255/",
                "http://100.128.0.1/",
                "http://192.0.1.1/",
                "http://198.20.0.1/",
                "http://223.255.255.255/",
                "https://[2606:4700::1111]/x",
                "https://[2001:4860:4860::8888]/",
                "https://[2001:200::1]/",
                "https://[2a00:1450::1]/",
                "https://no-such-host.invalid/"
            })
    void anyOtherIsTakenAlsoOneThatIsNotKnownYet(String url) {
        assertThatCode(() -> targets.check(request(url))).doesNotThrowAnyException();
    }

    @Test
    void theConnectionIsRefusedTooWhenANameHasComeToLeadThere() throws UnknownHostException {
        assertThat(catchThrowableOfType(
                        CallbackTargets.PrivateAddressException.class, () -> targets.resolve("localhost")))
                .isNotNull();
        assertThat(targets.resolve("8.8.8.8")).containsExactly(InetAddress.getByName("8.8.8.8"));
    }

    /** Camel's HTTP client resolves placeholders in an address: CVE-2026-78164. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://8.8.8.8/?{{env:FLUX_CALLBACK_SECRET}}",
                "http://8.8.8.8/{{bean:callbacks}}",
                "http://{{sys:user.name}}.example/",
                "http://8.8.8.8/${env.PATH}"
            })
    void anAddressWithAPlaceholderIsRefused(String url) {
        MessageReader messages = new MessageReader(new ObjectMapper(), 1024, () -> "made");
        Refusal refusal = catchThrowableOfType(
                Refusal.class,
                () -> messages.read(
                        new ObjectMapper()
                                .createObjectNode()
                                .put("prompt", "x")
                                .put("callback_url", url)
                                .toString(),
                        ""));
        assertThat(refusal).as(url).isNotNull();
        assertThat(refusal.event().field()).isEqualTo("callback_url");
    }

    @Test
    void privateAddressesCanBeAllowed() {
        assertThatCode(() -> new CallbackTargets(true, true).check(request("http://127.0.0.1/")))
                .doesNotThrowAnyException();
    }

    @Test
    void withoutASecretNothingIsPosted() {
        Refusal refusal = catchThrowableOfType(
                Refusal.class, () -> new CallbackTargets(true, false).check(request("http://8.8.8.8/")));
        assertThat(refusal.event().error()).contains("FLUX_CALLBACK_SECRET");
    }
}
