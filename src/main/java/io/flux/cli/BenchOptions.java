package io.flux.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.bench.Scenario;
import io.flux.bench.Suite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The command line of {@code flux bench} without {@code scale}.
 *
 * @param scenarios in the order in which they are to run
 * @param quick whether small sizes will do
 * @param before an earlier report's data; null for none
 * @param save where the report's data is to go; null for nowhere
 */
record BenchOptions(boolean help, List<Scenario> scenarios, boolean quick, boolean json, JsonNode before, Path save) {
    private static final String HELP =
            """
            Usage: flux bench [SCENARIO…] [options]
                   flux bench scale [options]

            Flux measured from outside, on this machine: a gateway, a worker and a Redis as processes of their own, an engine
            that is a process too and notes when it writes each token, and clients that check each character and each
            number. Needs nothing that runs already; takes minutes. Figures only count when nothing else runs.

            Scenarios, all of them but attack, which takes ten minutes, when none is named:
            %s
            A name such as steady stands for all that begin so. `flux bench scale --help` is about scaling.

              --quick         small sizes: shows that nothing is lost; its figures mean little
              --json          prints the report as JSON
              --save FILE     writes the report as JSON, for --compare
              --compare FILE  shows beside each figure what it was in that report
              -h, --help      this text

            FLUX_JAVA_OPTS is for the gateway and the workers; FLUX_ENGINE, FLUX_LLAMA_DIR, FLUX_MODEL_FILE and the like are for
            the scenario engine. Exit codes: 0 every answer was exact and nothing was lost, whatever
            the figures; 1 not so, or a process did not start; 2 misuse.
            """;

    static BenchOptions parse(List<String> arguments) throws Misuse {
        Arguments line = new Arguments(arguments);
        boolean quick = false;
        boolean json = false;
        Path before = null;
        Path save = null;
        for (String option = line.nextOption(); option != null; option = line.nextOption()) {
            switch (option) {
                case "--quick" -> quick = true;
                case "--json" -> json = true;
                case "--compare" -> before = Path.of(line.value());
                case "--save" -> save = Path.of(line.value());
                case "-h", "--help" -> {
                    return new BenchOptions(true, List.of(), false, false, null, null);
                }
                default -> throw line.unknown();
            }
        }
        if (save != null && !Files.isDirectory(save.toAbsolutePath().getParent())) {
            throw new Misuse(
                    "--save: there is no folder " + save.toAbsolutePath().getParent());
        }
        return new BenchOptions(false, scenarios(line.words()), quick, json, read(before), save);
    }

    static String helpText() {
        return HELP.formatted(Suite.all().stream()
                .map(scenario -> String.format("  %-14s %s%n", scenario.name(), scenario.about()))
                .collect(Collectors.joining()));
    }

    private static List<Scenario> scenarios(List<String> names) throws Misuse {
        List<Scenario> all = Suite.all();
        for (String name : names) {
            if (all.stream().noneMatch(scenario -> isMeant(name, scenario))) {
                throw new Misuse("there is no scenario '" + name + "', but there are scale, "
                        + all.stream().map(Scenario::name).collect(Collectors.joining(", ")));
            }
        }
        return names.isEmpty()
                ? all.stream().filter(scenario -> !scenario.onlyByName()).toList()
                : all.stream()
                        .filter(scenario -> names.stream().anyMatch(name -> isMeant(name, scenario)))
                        .toList();
    }

    private static boolean isMeant(String name, Scenario scenario) {
        return scenario.name().equals(name) || scenario.name().startsWith(name + "-");
    }

    private static JsonNode read(Path report) throws Misuse {
        if (report == null) {
            return null;
        }
        try {
            JsonNode data = new ObjectMapper().readTree(Files.readAllBytes(report));
            if (!data.path("scenarios").isObject()) {
                throw new Misuse("--compare: " + report + " is no report of flux bench");
            }
            return data;
        } catch (IOException e) {
            throw new Misuse("--compare: " + report + " cannot be read, or is no JSON");
        }
    }
}
