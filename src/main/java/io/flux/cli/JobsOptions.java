package io.flux.cli;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/**
 * What {@code jobs} was told to do.
 *
 * @param id the job to show; null to list them
 * @param model only that model's; null for all
 * @param limit the most to list of each model; null for Flux's own limit
 * @param json whether what Flux says is printed as it is
 */
record JobsOptions(boolean help, FluxUrl url, String id, String model, BigInteger limit, boolean json) {

    static final String HELP =
            """
            Usage: flux jobs [list] [--model NAME] [--limit N]
                   flux jobs show ID

            Jobs that run and wait, and the life of one.

              list         which run and which wait, for each model, the next to be served first. Where there are keys,
                           it needs an operator's
              show         where one job has been and where its time went, while it is there and after it has ended.
                           Where there are keys, those of its tenant; an id as list shows it, with @ and the tenant,
                           needs an operator's

              --model NAME only this model's
              --limit N    the most to list of each model, 1 to 1000 (default: 50)
              --json       print what Flux says
              --url URL    where Flux is (default: $FLUX_URL, or http://127.0.0.1:8080)
              -h, --help   this text
              --           what follows is an id

            Exit codes: 0 done; 1 Flux answered with an error or did not answer; 2 misuse.
            """;

    /**
     * Reads the command line.
     *
     * @param environment where {@code FLUX_URL} may be
     */
    static JobsOptions parse(List<String> arguments, Map<String, String> environment) throws Misuse {
        Arguments line = new Arguments(arguments);
        String url = null;
        String model = null;
        BigInteger limit = null;
        boolean json = false;
        boolean help = false;
        for (String option = line.nextOption(); option != null; option = line.nextOption()) {
            switch (option) {
                case "--url" -> url = line.value();
                case "--model" -> model = line.value();
                case "--limit" -> limit = line.integer();
                case "--json" -> json = true;
                case "-h", "--help" -> help = true;
                default -> throw line.unknown();
            }
        }
        FluxUrl flux = FluxUrl.of(url, environment);
        List<String> words = line.words();
        if (help || words.isEmpty()) {
            return new JobsOptions(help, flux, null, model, limit, json);
        }
        String id = id(words);
        if (id != null && (model != null || limit != null)) {
            throw new Misuse("--model and --limit are for list");
        }
        return new JobsOptions(false, flux, id, model, limit, json);
    }

    private static String id(List<String> words) throws Misuse {
        List<String> ids = words.subList(1, words.size());
        switch (words.get(0)) {
            case "list" -> {
                if (!ids.isEmpty()) {
                    throw new Misuse("list takes no id");
                }
                return null;
            }
            case "show" -> {
                if (ids.size() != 1) {
                    throw new Misuse("show takes one id");
                }
                // As a part of a path these mean something else, however they are encoded.
                if (ids.get(0).isBlank() || ids.get(0).matches("\\.\\.?")) {
                    throw new Misuse("'" + ids.get(0) + "' is no id of a job");
                }
                return ids.get(0);
            }
            default -> throw new Misuse("jobs cannot '" + words.get(0) + "'; it can list and show");
        }
    }
}
