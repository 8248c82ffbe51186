package io.flux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.mock.env.MockEnvironment;

class RedisAccessTest {
    @TempDir
    Path folder;

    private static Map<String, Object> properties(String... options) {
        return access(options).springProperties();
    }

    private static RedisAccess access(String... options) {
        MockEnvironment environment = new MockEnvironment();
        for (int i = 0; i < options.length; i += 2) {
            environment.setProperty("flux." + options[i], options[i + 1]);
        }
        return RedisAccess.of(environment);
    }

    @Test
    void aClusterIsNamedByItsFirstNodes() {
        assertThat(properties("redis-url", "redis-cluster://h1:7000,[::1]:7001,h3"))
                .containsOnly(
                        Map.entry("spring.data.redis.cluster.nodes", "h1:7000,::1:7001,h3:6379"),
                        Map.entry("spring.data.redis.ssl.enabled", false));
    }

    @ParameterizedTest
    @CsvSource({
        "redis://h, redis://h:6379, h:6379",
        "redis://h:, redis://h:6379, h:6379",
        "redis://redis, redis://redis:6379, redis:6379",
        "redis://s@s/0, redis://s@s:6379/0, s:6379",
        "redis://h:7000/2, redis://h:7000/2, h:7000",
        "redis://us%3Aer:p%40ss@h/2, redis://us%3Aer:p%40ss@h:6379/2, h:6379",
        "rediss://[::1], rediss://[::1]:6379, [::1]:6379"
    })
    void oneServerHasAPortAndIsShownWithoutAPassword(String given, String used, String shown) {
        assertThat(properties("redis-url", given)).containsEntry("spring.data.redis.url", used);
        assertThat(access("redis-url", given).address().where()).isEqualTo(shown);
    }

    @Test
    void sentinelsAreNamedWithTheMasterAndTheDatabase() {
        assertThat(properties("redis-url", "rediss-sentinel://s1:26379,[fe80::1%eth0],s3/2#my-master"))
                .containsOnly(
                        Map.entry("spring.data.redis.sentinel.nodes", "s1:26379,fe80::1%eth0:26379,s3:26379"),
                        Map.entry("spring.data.redis.sentinel.master", "my-master"),
                        Map.entry("spring.data.redis.database", 2),
                        Map.entry("spring.data.redis.ssl.enabled", true));
    }

    @Test
    void userAndPasswordComeFromTheAddressOrFromOptionsOfTheirOwn() {
        assertThat(properties("redis-url", "redis-cluster://flux:p%40ss+word@h:7000"))
                .containsEntry("spring.data.redis.username", "flux")
                .containsEntry("spring.data.redis.password", "p@ss+word");
        assertThat(properties("redis-url", "redis-sentinel://:word@h#m"))
                .doesNotContainKey("spring.data.redis.username")
                .containsEntry("spring.data.redis.password", "word");
        assertThat(properties(
                        "redis-url",
                        "redis-sentinel://h#m",
                        "redis-user",
                        "flux",
                        "redis-password",
                        "word",
                        "redis-sentinel-password",
                        "other"))
                .containsEntry("spring.data.redis.username", "flux")
                .containsEntry("spring.data.redis.password", "word")
                .containsEntry("spring.data.redis.sentinel.password", "other");
    }

    @Test
    void aPasswordThatLooksLikeAPlaceholderIsNone() throws Exception {
        Path file = Files.writeString(folder.resolve("password"), "a ${b} c\n");
        MockEnvironment spring = new MockEnvironment();
        properties("redis-url", "redis-cluster://h", "redis-password-file", file.toString())
                .forEach((name, value) -> spring.setProperty(name, value.toString()));
        assertThat(spring.getProperty("spring.data.redis.password")).isEqualTo("a ${b} c");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "redis-cluster://|redis-cluster://host:6379,host:6379",
                "redis-cluster://h1:7000,,h2:7001|redis-cluster://host:6379,host:6379",
                "redis-cluster://h1:70000|redis-cluster://host:6379,host:6379",
                "redis-cluster://h1:7000/0|nothing comes after the hosts",
                "redis-cluster://h1:7000#m|nothing comes after the hosts",
                "redis-cluster://::1:7000|redis-cluster://host:6379,host:6379",
                "redis-sentinel://h1:26379/0|redis-sentinel://host:26379,host:26379#master",
                "redis-sentinel://h1:0#m|redis-sentinel://host:26379,host:26379#master",
                "redis-ring://h1:7000|redis-cluster://host:6379,host:6379 for a Cluster; redis-sentinel://",
                "memcached://h1:7000|redis://host:6379, or rediss://host:6379 for TLS; redis-cluster://"
            })
    void anAddressThatIsNoneIsToldTheFormThatItShouldHave(String url, String form) {
        assertThatThrownBy(() -> access("redis-url", url))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("FLUX_REDIS_URL must look like redis")
                .hasMessageContaining(form);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "redis-cluster://u:hidden%zz@h:7000",
                "redis-cluster://u:hidden@h:x",
                "redis-sentinel://u:hidden@h",
                "redis-sentinel://u:hidden@h /0#m"
            })
    void noMessageRepeatsThePassword(String url) {
        assertThatThrownBy(() -> access("redis-url", url))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("hidden");
    }

    @Test
    void whatIsShownOfItHoldsNoPassword() {
        assertThat(access("redis-url", "redis-cluster://u:hidden@h:7000"))
                .hasToString("RedisAccess[RedisAddress[CLUSTER [h:7000]]]");
        assertThat(access("redis-url", "redis://u:hidden@h:7000").toString()).doesNotContain("hidden");
    }

    @Test
    void optionsThatContradictEachOtherAreRefused() {
        assertThatThrownBy(() -> access("redis-url", "redis-cluster://u:p@h", "redis-password", "p"))
                .hasMessageContaining("say them once");
        assertThatThrownBy(() -> access("redis-url", "redis-cluster://h", "redis-sentinel-password", "p"))
                .hasMessageContaining(
                        "FLUX_REDIS_SENTINEL_PASSWORD needs a FLUX_REDIS_URL that begins with redis-sentinel");
        assertThatThrownBy(() -> access("redis-sentinel-password", "p")).hasMessageContaining("need FLUX_REDIS_URL");
        assertThatThrownBy(() -> access(
                        "redis-url",
                        "redis-sentinel://h#m",
                        "redis-sentinel-password",
                        "p",
                        "redis-sentinel-password-file",
                        "f"))
                .hasMessageContaining(
                        "FLUX_REDIS_SENTINEL_PASSWORD and FLUX_REDIS_SENTINEL_PASSWORD_FILE are both set");
    }
}
