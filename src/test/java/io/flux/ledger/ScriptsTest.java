package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every Lua file must keep to, so that the next one does too. */
class ScriptsTest {
    private static final Path FOLDER = Path.of("src/main/resources/redis");
    private static final Pattern DECLARED = Pattern.compile("(KEYS|ARGV)\\[(\\d+)(\\.\\.)?] +(\\w+)");
    private static final Pattern USED = Pattern.compile("(KEYS|ARGV)\\[([^]]+)]");
    /** The keys of a job share its slot, those of a model share another: Keys says so. */
    private static final Set<String> OF_A_JOB = Set.of("job", "journal", "followers");

    private static final Pattern REST = Pattern.compile("ARGV\\[(\\d+)\\.\\.]");
    private static final Set<String> OF_THE_REGISTRY = Set.of("announced", "seen", "names");

    private static final Set<String> OF_CALLBACKS = Set.of("due", "attempts", "undelivered");
    private static final Set<String> OF_A_TENANT = Set.of("bucket");

    private static final Set<String> OF_A_MODEL = Set.of(
            "waiting",
            "line",
            "places",
            "turns",
            "counts",
            "claim",
            "running",
            "dead",
            "followed",
            "deadlines",
            "pace",
            "reaper");

    static Stream<Path> scripts() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.sorted().toList().stream();
        }
    }

    @Test
    void everyFileOfTheFolderIsAScriptNamedByAVerb() throws IOException {
        assertThat(scripts())
                .isNotEmpty()
                .allMatch(file -> file.getFileName().toString().matches("[a-z]+\\.lua"));
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void itsHeaderSaysWhatItGuaranteesWhatItTakesAndWhatItReturns(Path script) throws IOException {
        List<String> header = header(script);
        assertThat(header.get(0)).as("what it does").matches("-- [A-Z].*");
        assertThat(header).as("its keys").anyMatch(line -> line.matches("-- KEYS\\[1] .+"));
        assertThat(header).as("its result").anyMatch(line -> line.startsWith("-- Returns "));
        assertThat(String.join("\n", header)).contains("\n--\n");
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void itsHeaderNamesEveryKeyAndArgumentThatTheCodeUses(Path script) throws IOException {
        Set<String> declared = new TreeSet<>();
        for (MatchResult match : find(DECLARED, String.join("\n", header(script)))) {
            declared.add(match.group(1) + match.group(2));
        }
        String rest = find(REST, String.join("\n", header(script))).stream()
                .map(match -> match.group(1))
                .findFirst()
                .orElse(null);
        Set<String> used = new TreeSet<>();
        for (MatchResult match : find(USED, code(script))) {
            if (match.group(2).matches("\\d+")) {
                used.add(match.group(1) + match.group(2));
            } else if (match.group(1).equals("KEYS")) {
                // a loop over all of them
                declared.stream().filter(name -> name.startsWith("KEYS")).forEach(used::add);
            } else {
                assertThat(rest).as("the rest of ARGV is declared").isNotNull();
                used.add("ARGV" + rest);
            }
        }
        if (rest != null) {
            declared.add("ARGV" + rest);
        }
        assertThat(used).isEqualTo(declared);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void allItsKeysShareOneHashTag(Path script) throws IOException {
        Set<String> names = find(DECLARED, String.join("\n", header(script))).stream()
                .filter(match -> match.group(1).equals("KEYS"))
                .map(match -> match.group(4))
                .collect(Collectors.toCollection(LinkedHashSet::new));
        assertThat(names).isNotEmpty();
        assertThat(Stream.of(OF_A_JOB, OF_A_MODEL, OF_A_TENANT, OF_THE_REGISTRY, OF_CALLBACKS)
                        .filter(keys -> keys.containsAll(names)))
                .as("%s are keys of one job, one model, one tenant, the registry of models or callbacks", names)
                .hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void itTouchesNoKeyThatItIsNotGiven(Path script) throws IOException {
        String code = code(script);
        assertThat(code).doesNotContain("'flux:", "\"flux:", "redis.pcall");
        Matcher call =
                Pattern.compile("redis\\.call\\('(\\w+)'(?:, *([^,)]+))?").matcher(code);
        while (call.find()) {
            switch (call.group(1)) {
                case "TIME" -> {}
                case "PUBLISH" ->
                    assertThat(call.group(2)).as("channels are no keys").isEqualTo("channel");
                default -> assertThat(call.group(2)).as(call.group()).matches("KEYS\\[(\\d|i)]");
            }
        }
    }

    @Test
    void theKeysOfAJobAndOfAModelHaveTheirHashTags() {
        assertThat(Stream.of(Keys.job("x"), Keys.journal("x"), Keys.followers("x")))
                .containsExactly("flux:{x}:job", "flux:{x}:journal", "flux:{x}:followers");
        assertThat(Stream.of(Keys.waiting("m"), Keys.running("m"), Keys.dead("m")))
                .containsExactly("flux:{m}:waiting", "flux:{m}:running", "flux:{m}:dead");
        assertThat(Stream.of(Keys.line("m"), Keys.places("m"), Keys.turns("m"), Keys.counts("m"), Keys.claim("m", "c")))
                .containsExactly(
                        "flux:{m}:line", "flux:{m}:places", "flux:{m}:turns", "flux:{m}:counts", "flux:{m}:claim:c");
        assertThat(Stream.of(Keys.followed("m"), Keys.deadlines("m"), Keys.pace("m"), Keys.reaper("m")))
                .containsExactly("flux:{m}:followed", "flux:{m}:deadlines", "flux:{m}:pace", "flux:{m}:reaper");
        assertThat(Keys.bucket("t")).isEqualTo("flux:{tenant t}:bucket");
        assertThat(Keys.gatewayChannel("g")).isEqualTo("flux:gateway:g");
        assertThat(Keys.workerChannel("w")).isEqualTo("flux:worker:w");
    }

    private static List<String> header(Path script) throws IOException {
        return Files.readAllLines(script).stream()
                .takeWhile(line -> line.startsWith("--"))
                .toList();
    }

    private static String code(Path script) throws IOException {
        return Files.readAllLines(script).stream()
                .dropWhile(line -> line.startsWith("--"))
                .collect(Collectors.joining("\n"));
    }

    private static List<MatchResult> find(Pattern pattern, String text) {
        return pattern.matcher(text).results().toList();
    }
}
