package io.flux.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What {@code dead} was told to do.
 *
 * @param action null only when help is wanted
 * @param ids of dead letters, each once
 * @param all whether every dead letter is meant
 * @param json whether what Flux says is printed as it is
 */
record DeadOptions(boolean help, FluxUrl url, Action action, List<String> ids, boolean all, boolean json) {

    static final String HELP =
            """
            Usage: flux dead list
                   flux dead show ID
                   flux dead replay ID… | --all
                   flux dead drop ID… | --all

            Dead letters are jobs for which no attempt was left.

              list         which there are, the newest first (at most 1000)
              show         all that is known of one: its request, why it died, and what its engine wrote last
              replay       try it again, as a new job; the new id is printed
              drop         delete it

              --all        every dead letter
              --json       print what Flux says: one JSON text for list and show, one for each replay
              --url URL    where Flux is (default: $FLUX_URL, or http://127.0.0.1:8080)
              -h, --help   this text
              --           what follows are ids

            Exit codes: 0 done; 1 Flux answered with an error, for one of several ids perhaps, or did not answer;
            2 misuse.
            """;

    enum Action {
        LIST,
        SHOW,
        REPLAY,
        DROP;

        static Action of(String word) throws Misuse {
            return switch (word) {
                case "list" -> LIST;
                case "show" -> SHOW;
                case "replay" -> REPLAY;
                case "drop" -> DROP;
                default -> throw new Misuse("dead cannot '" + word + "'; it can list, show, replay and drop");
            };
        }

        private void check(List<String> ids, boolean all, boolean json) throws Misuse {
            boolean takesAll = this == REPLAY || this == DROP;
            if (all && !takesAll) {
                throw new Misuse("--all is for replay and drop");
            }
            if (json && this == DROP) {
                throw new Misuse("--json is for list, show and replay");
            }
            if (this == LIST && !ids.isEmpty()) {
                throw new Misuse("list takes no id");
            }
            if (this == SHOW && ids.size() != 1) {
                throw new Misuse("show takes one id");
            }
            if (takesAll && ids.isEmpty() != all) {
                throw new Misuse(this + " takes ids, or --all");
            }
            for (String id : ids) {
                // As a part of a path these mean something else, however they are encoded.
                if (id.isBlank() || id.equals(".") || id.equals("..")) {
                    throw new Misuse("'" + id + "' is no id of a dead letter");
                }
            }
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Reads the command line.
     *
     * @param environment where {@code FLUX_URL} may be
     */
    static DeadOptions parse(List<String> arguments, Map<String, String> environment) throws Misuse {
        Arguments line = new Arguments(arguments);
        String url = null;
        boolean all = false;
        boolean json = false;
        boolean help = false;
        for (String option = line.nextOption(); option != null; option = line.nextOption()) {
            switch (option) {
                case "--url" -> url = line.value();
                case "--all" -> all = true;
                case "--json" -> json = true;
                case "-h", "--help" -> help = true;
                default -> throw line.unknown();
            }
        }
        FluxUrl flux = FluxUrl.of(url, environment);
        List<String> words = line.words();
        if (help) {
            return new DeadOptions(true, flux, null, List.of(), all, json);
        }
        if (words.isEmpty()) {
            throw new Misuse("dead must be told what to do: list, show, replay or drop");
        }
        Action action = Action.of(words.get(0));
        List<String> ids = words.stream().skip(1).distinct().toList();
        action.check(ids, all, json);
        return new DeadOptions(false, flux, action, ids, all, json);
    }
}
