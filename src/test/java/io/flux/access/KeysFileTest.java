package io.flux.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a file of keys may say, what it means, and what becomes of a change. */
class KeysFileTest {
    private static final String ONE = KeyHash.newKey();
    private static final String OTHER = KeyHash.newKey();

    @TempDir
    Path folder;

    @Test
    void aKeyLetsInWhomItsEntrySays() throws IOException {
        WatchedKeys keys = keys(
                """
                keys:
                  - tenant: acme
                    sha256: "%s"
                    models: [default, chat]
                    jobs: 100
                    rate: 2.5
                    burst: 20
                    operator: true
                  - tenant: other
                    sha256: "%s"
                """
                        .formatted(KeyHash.hex(ONE), KeyHash.hex(OTHER).toUpperCase(Locale.ROOT)));
        assertThat(keys.find(ONE))
                .isEqualTo(new Caller(
                        "acme",
                        Set.of("default", "chat"),
                        100,
                        new Caller.Rate(2.5, 20),
                        true,
                        KeyHash.hex(ONE).substring(0, 12)));
        assertThat(keys.find(OTHER))
                .isEqualTo(new Caller(
                        "other", Set.of(), 0, null, false, KeyHash.hex(OTHER).substring(0, 12)));
        assertThat(keys.find(ONE + " ")).isNull();
        assertThat(keys.find("")).isNull();
        assertThat(keys.find(KeyHash.hex(ONE))).as("the hash is no key").isNull();
    }

    @Test
    void aBurstIsTheRateRoundedUpUnlessItIsSaid() throws IOException {
        assertThat(keys(entry("a", ONE) + "    rate: 2.5\n").find(ONE).rate()).isEqualTo(new Caller.Rate(2.5, 3));
        assertThat(keys(entry("a", ONE) + "    rate: 0.1\n").find(ONE).rate()).isEqualTo(new Caller.Rate(0.1, 1));
    }

    @Test
    void eachFaultIsToldWithItsLine() throws IOException {
        String hash = KeyHash.hex(ONE);
        assertThat(complaint(
                        """
                        keys:
                          - tenant: Acme
                            sha256: "flux_not-a-hash"
                            burst: 2
                          - tenant: acme
                            sha256: "%s"
                            jobs: 0
                            rate: fast
                            operator: maybe
                            key: flux_secret
                          - sha256: "%s"
                            models: []
                          - tenant: acme
                            sha256: "%s"
                            jobs: 3
                        """
                                .formatted(hash, hash, KeyHash.hex(OTHER))))
                .isEqualTo(
                        """
                        keys.yaml line 2: keys[0].tenant must be 1 to 64 small letters, digits, - and _, a letter or digit first
                        keys.yaml line 3: keys[0].sha256 must be the 64 hex digits of the key's SHA-256, never the key itself
                        keys.yaml line 4: keys[0].burst needs a rate
                        keys.yaml line 7: keys[1].jobs must be at least 1, not 0
                        keys.yaml line 8: keys[1].rate must be a number, not 'fast'
                        keys.yaml line 9: keys[1].operator must be true or false
                        keys.yaml line 10: keys[1].key is not a known key; known: tenant, sha256, models, jobs, rate, burst, operator
                        keys.yaml line 11: keys[2].tenant is required
                        keys.yaml line 11: keys[2].sha256 is that of keys[1], line 5
                        keys.yaml line 12: keys[2].models must name at least one model; leave the key out to allow all
                        keys.yaml line 13: keys[3].rate must be as in keys[1], line 5: it belongs to the tenant, whichever key it comes with
                        keys.yaml line 15: keys[3].jobs must be as in keys[1], line 5: it belongs to the tenant, whichever key it comes with""");
    }

    @Test
    void aFileThatHoldsNothingOrIsNotThereIsRefused() throws IOException {
        assertThat(complaint(""))
                .isEqualTo("FLUX_KEYS names keys.yaml, which is empty: it needs keys: with at least one");
        assertThat(complaint("keys: []")).isEqualTo("keys.yaml line 1: keys must hold at least one key");
        Path missing = folder.resolve("missing.yaml");
        assertThat(catchThrowable(() -> KeysFile.check(missing)))
                .hasMessage("FLUX_KEYS names " + missing + ", which does not exist");
    }

    @Test
    void keysOfOneTenantMayDifferInModelsAndInWhoIsAnOperator() throws IOException {
        WatchedKeys keys = keys(entry("acme", ONE) + "    operator: true\n"
                + entry("acme", OTHER).replace("keys:\n", "") + "    models: [default]\n");
        assertThat(keys.find(ONE).operator()).isTrue();
        assertThat(keys.find(OTHER).mayAsk("chat")).isFalse();
    }

    @Test
    void aChangedFileChangesTheKeysAndTellsWhichAreGone() throws IOException {
        WatchedKeys keys = keys(entry("a", ONE) + entry("b", OTHER).replace("keys:\n", ""));
        assertThat(keys.refresh()).isEmpty();
        write(entry("a", ONE));
        assertThat(keys.refresh()).containsExactly(KeyHash.hex(OTHER).substring(0, 12));
        assertThat(keys.find(OTHER)).isNull();
        assertThat(keys.find(ONE)).isNotNull();
        write(entry("a", ONE) + "    models: [chat]\n");
        assertThat(keys.refresh())
                .as("one that may do less")
                .containsExactly(KeyHash.hex(ONE).substring(0, 12));
        write(entry("a", ONE) + "    models: [chat]\n" + entry("b", OTHER).replace("keys:\n", ""));
        assertThat(keys.refresh()).as("one more").isEmpty();
        assertThat(keys.find(OTHER).tenant()).isEqualTo("b");
    }

    @Test
    void aWrongNewFileChangesNothing() throws IOException {
        WatchedKeys keys = keys(entry("a", ONE));
        write("keys: nonsense");
        assertThat(keys.refresh()).isEmpty();
        assertThat(keys.find(ONE)).isNotNull();
        Files.delete(folder.resolve("keys.yaml"));
        assertThat(keys.refresh()).isEmpty();
        assertThat(keys.find(ONE)).isNotNull();
        write(entry("b", OTHER));
        assertThat(keys.refresh()).hasSize(1);
        assertThat(keys.find(OTHER)).isNotNull();
    }

    /** As Kubernetes changes a mounted secret: the file is a link into a folder that a link names. */
    @Test
    void aLinkThatIsTurnedElsewhereIsAChange() throws IOException {
        Files.writeString(Files.createDirectory(folder.resolve("old")).resolve("keys.yaml"), entry("a", ONE));
        Files.writeString(Files.createDirectory(folder.resolve("new")).resolve("keys.yaml"), entry("b", OTHER));
        Files.createSymbolicLink(folder.resolve("data"), Path.of("old"));
        Path mounted = Files.createSymbolicLink(folder.resolve("mounted.yaml"), Path.of("data", "keys.yaml"));
        WatchedKeys keys = new WatchedKeys(mounted);
        Path next = Files.createSymbolicLink(folder.resolve("data.tmp"), Path.of("new"));
        Files.move(next, folder.resolve("data"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        assertThat(keys.refresh()).hasSize(1);
        assertThat(keys.find(OTHER).tenant()).isEqualTo("b");
    }

    @Test
    void noTwoNewKeysAreTheSame() {
        assertThat(ONE).matches("flux_[A-Za-z0-9_-]{43}").isNotEqualTo(OTHER);
    }

    private static String entry(String tenant, String key) {
        return "keys:\n  - tenant: " + tenant + "\n    sha256: \"" + KeyHash.hex(key) + "\"\n";
    }

    private WatchedKeys keys(String text) throws IOException {
        return new WatchedKeys(write(text));
    }

    private Path write(String text) throws IOException {
        return Files.writeString(folder.resolve("keys.yaml"), text);
    }

    private String complaint(String text) throws IOException {
        Path file = write(text);
        return catchThrowable(() -> KeysFile.check(file)).getMessage().replace(folder + "/", "");
    }
}
