package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A guarantee is worth the test that proves it: each that docs/guarantees.md names is there. */
class GuaranteesDocTest {
    private static final Path TESTS = Path.of("src/test/java/io/flux");
    /** A class and perhaps a method, or how methods begin. */
    private static final Pattern NAMED =
            Pattern.compile("`(?:io\\.flux\\.\\w+\\.)?([A-Z][a-z]\\w*(?:IT|Test))(?:\\.(\\w+)…?)?`");
    /** A further method of the class before. */
    private static final Pattern FURTHER = Pattern.compile("`([a-z]\\w{20,})`");

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        List<String> missing = new ArrayList<>();
        int named = 0;
        for (String line : Files.readAllLines(Path.of("docs/guarantees.md"))) {
            String source = "";
            for (MatchResult test : NAMED.matcher(line).results().toList()) {
                named++;
                source = source(test.group(1));
                if (source.isEmpty() || (test.group(2) != null && !source.contains("void " + test.group(2)))) {
                    missing.add(test.group());
                }
            }
            for (MatchResult method : FURTHER.matcher(line).results().toList()) {
                if (!source.contains("void " + method.group(1) + "(")) {
                    missing.add(method.group());
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(named).isGreaterThan(20);
    }

    private static String source(String testClass) throws IOException {
        try (Stream<Path> files = Files.walk(TESTS)) {
            Path file = files.filter(path -> path.endsWith(testClass + ".java"))
                    .findFirst()
                    .orElse(null);
            return file == null ? "" : Files.readString(file);
        }
    }
}
