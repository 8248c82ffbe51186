package io.flux.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code ask} was told to do.
 *
 * @param url where Flux is
 * @param prompt null: read it from stdin, or there is none
 * @param fromStdin whether {@code -} stood for the prompt
 * @param system the system message; null for none
 * @param parameters what else the request holds, by the names of the protocol. Ranges are for Flux to check
 */
record AskOptions(
        boolean help,
        FluxUrl url,
        String prompt,
        boolean fromStdin,
        String system,
        Map<String, Object> parameters,
        boolean json,
        boolean quiet) {

    static final String HELP =
            """
            Usage: flux ask [options] "prompt"

            Asks a model and streams its answer to stdout; everything else goes to stderr.
            The prompt is read from stdin when it is - or missing and stdin is no terminal.
            When no Flux runs on this machine, one is started for the question.

              --url URL           where Flux is (default: $FLUX_URL, or http://127.0.0.1:8080)
              --model NAME        which model answers
              --max-tokens N      the most tokens to generate
              --temperature X     0: always the likeliest token
              --top-p X           only the likeliest tokens that make up this probability
              --seed N            the same seed, the same answer
              --stop TEXT         end before this text; may be given several times
              --json-schema JSON  the answer is JSON that keeps to this schema; @FILE reads it from there
              --grammar GBNF      the answer keeps to this grammar; @FILE reads it from there
              --system TEXT       instructions that come before the prompt
              --timeout TIME      end after this time: 500ms, 30s, 2m or 1h (milliseconds without a unit)
              --json              print the events as they come, one JSON object a line
              -q, --quiet         nothing on stderr but errors
              -h, --help          this text
              --                  what follows is the prompt

            Exit codes: 0 complete; 1 error, or cut short by the timeout or by a cancel from elsewhere;
            2 misuse; 130 interrupted (Ctrl-C cancels the job).
            """;

    /**
     * Reads the command line.
     *
     * @param environment where {@code FLUX_URL} may be
     */
    static AskOptions parse(List<String> arguments, Map<String, String> environment) throws Misuse {
        Arguments line = new Arguments(arguments);
        List<String> stops = new ArrayList<>();
        Map<String, Object> parameters = new LinkedHashMap<>();
        String url = null;
        String system = null;
        boolean json = false;
        boolean quiet = false;
        boolean help = false;
        for (String option = line.nextOption(); option != null; option = line.nextOption()) {
            switch (option) {
                case "--url" -> url = line.value();
                case "--model" -> parameters.put("model", line.value());
                case "--max-tokens" -> parameters.put("max_tokens", line.integer());
                case "--temperature" -> parameters.put("temperature", line.number());
                case "--top-p" -> parameters.put("top_p", line.number());
                case "--seed" -> parameters.put("seed", line.integer());
                case "--stop" -> stops.add(line.value());
                case "--json-schema" -> parameters.put("json_schema", line.json());
                case "--grammar" -> parameters.put("grammar", line.text());
                case "--system" -> system = line.value();
                case "--timeout" -> parameters.put("timeout_ms", line.duration());
                case "--json" -> json = true;
                case "-q", "--quiet" -> quiet = true;
                case "-h", "--help" -> help = true;
                default -> throw line.unknown();
            }
        }
        if (!stops.isEmpty()) {
            parameters.put("stop", stops);
        }
        List<String> words = line.words();
        boolean fromStdin = words.equals(List.of("-"));
        return new AskOptions(
                help,
                FluxUrl.of(url, environment),
                words.isEmpty() || fromStdin ? null : String.join(" ", words),
                fromStdin,
                system,
                parameters,
                json,
                quiet);
    }
}
