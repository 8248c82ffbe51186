package io.flux.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;

/** {@code docs/kubernetes.md} says how each Secret is made: no manifest holds one. */
final class SecretsGuide {
    private SecretsGuide() {}

    /** Some command of the guide makes the Secret with that key. */
    static void assertSays(String document, String secret, String key) {
        String[] commands = document.split("create secret generic " + secret + "\\b");
        assertThat(Arrays.stream(commands).skip(1).map(rest -> rest.split("```")[0]))
                .as("a command of docs/kubernetes.md that makes %s of Secret %s", key, secret)
                .anyMatch(command ->
                        command.matches("(?s).*--from-(literal|file)=['\"]?" + key.replace(".", "\\.") + "(=|\\b).*"));
    }
}
