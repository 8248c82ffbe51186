package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FluxUrlTest {

    private static FluxUrl url(String option) throws Misuse {
        return FluxUrl.of(option, Map.of());
    }

    @Test
    void theAddressIsTheOptionsThenTheEnvironmentsThenTheDefault() throws Exception {
        Map<String, String> environment = Map.of("FLUX_URL", "http://env:1");

        assertThat(FluxUrl.of("http://option:2", environment)).hasToString("http://option:2");
        assertThat(FluxUrl.of(null, environment)).hasToString("http://env:1");
        assertThat(FluxUrl.of(null, Map.of("FLUX_URL", ""))).hasToString("http://127.0.0.1:8080");
    }

    @ParameterizedTest
    @CsvSource({
        "http://h:1, ws://h:1/ws/generate, http://h:1/queue/dead",
        "http://h:1/, ws://h:1/ws/generate, http://h:1/queue/dead",
        "https://h, wss://h/ws/generate, https://h/queue/dead",
        "ws://h:1/ws/generate, ws://h:1/ws/generate, http://h:1/queue/dead",
        "https://h/flux/, wss://h/flux/ws/generate, https://h/flux/queue/dead",
        "wss://h/flux/ws/generate, wss://h/flux/ws/generate, https://h/flux/queue/dead",
        "http://[::1]:8080, ws://[::1]:8080/ws/generate, http://[::1]:8080/queue/dead"
    })
    void everythingOfFluxIsUnderItsAddress(String url, String webSocket, String dead) throws Exception {
        assertThat(url(url).webSocket()).isEqualTo(URI.create(webSocket));
        assertThat(url(url).http("/queue/dead")).isEqualTo(URI.create(dead));
    }

    @ParameterizedTest
    @CsvSource({
        "http://localhost:9999, true",
        "http://127.0.0.1:9999, true",
        "http://[::1]:9999, true",
        "http://flux.example, false",
        "http://127.example, false"
    })
    void anAddressOfThisMachineMayBeServedByAFluxOfOurOwn(String url, boolean here) throws Exception {
        assertThat(url(url).isOnThisMachine()).isEqualTo(here);
    }
}
