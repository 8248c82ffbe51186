package io.flux.cli;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code ask} was told to do.
 *
 * @param url where Flux is
 * @param urlGiven whether somebody chose the address, and it is not the default
 * @param prompt null: read it from stdin, or there is none
 * @param fromStdin whether {@code -} stood for the prompt
 * @param system the system message; null for none
 * @param parameters what else the request holds, by the names of the protocol. Ranges are for Flux to check
 */
record Options(
        boolean help,
        URI url,
        boolean urlGiven,
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
              --system TEXT       instructions that come before the prompt
              --timeout TIME      end after this time: 500ms, 30s, 2m or 1h (milliseconds without a unit)
              --json              print the events as they come, one JSON object a line
              -q, --quiet         nothing on stderr but errors
              -h, --help          this text
              --                  what follows is the prompt

            Exit codes: 0 complete; 1 error, or cut short by the timeout or by a cancel from elsewhere;
            2 misuse; 130 interrupted (Ctrl-C cancels the job).
            """;

    private static final String DEFAULT_URL = "http://127.0.0.1:8080";
    private static final Pattern DURATION = Pattern.compile("(\\d{1,12})(ms|s|m|h)?");

    /** The command line makes no sense; the message says why. */
    static final class Misuse extends Exception {
        private static final long serialVersionUID = 1L;

        Misuse(String message) {
            super(message);
        }
    }

    /**
     * Reads the command line.
     *
     * @param environment where {@code FLUX_URL} may be
     */
    static Options parse(List<String> arguments, Map<String, String> environment) throws Misuse {
        Deque<String> rest = new ArrayDeque<>(arguments);
        List<String> words = new ArrayList<>();
        List<String> stops = new ArrayList<>();
        Map<String, Object> parameters = new LinkedHashMap<>();
        String url = null;
        String system = null;
        boolean json = false;
        boolean quiet = false;
        boolean help = false;
        while (!rest.isEmpty()) {
            String argument = rest.remove();
            if (argument.equals("--")) {
                words.addAll(rest);
                break;
            }
            if (!argument.startsWith("-") || argument.equals("-")) {
                words.add(argument);
                continue;
            }
            int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
            String name = equals < 0 ? argument : argument.substring(0, equals);
            if (equals >= 0) {
                rest.push(argument.substring(equals + 1));
            }
            int before = rest.size();
            switch (name) {
                case "--url" -> url = value(name, rest);
                case "--model" -> parameters.put("model", value(name, rest));
                case "--max-tokens" -> parameters.put("max_tokens", integer(name, rest));
                case "--temperature" -> parameters.put("temperature", number(name, rest));
                case "--top-p" -> parameters.put("top_p", number(name, rest));
                case "--seed" -> parameters.put("seed", integer(name, rest));
                case "--stop" -> stops.add(value(name, rest));
                case "--system" -> system = value(name, rest);
                case "--timeout" -> parameters.put("timeout_ms", duration(name, rest));
                case "--json" -> json = true;
                case "-q", "--quiet" -> quiet = true;
                case "-h", "--help" -> help = true;
                default -> throw new Misuse("there is no option " + name + "; -- ends the options");
            }
            if (equals >= 0 && rest.size() == before) {
                throw new Misuse(name + " takes no value");
            }
        }
        if (!stops.isEmpty()) {
            parameters.put("stop", stops);
        }
        boolean fromStdin = words.equals(List.of("-"));
        String chosen = url == null ? environment.getOrDefault("FLUX_URL", "") : url;
        return new Options(
                help,
                endpoint(chosen.isBlank() ? DEFAULT_URL : chosen),
                !chosen.isBlank(),
                words.isEmpty() || fromStdin ? null : String.join(" ", words),
                fromStdin,
                system,
                parameters,
                json,
                quiet);
    }

    private static String value(String name, Deque<String> rest) throws Misuse {
        if (rest.isEmpty()) {
            throw new Misuse(name + " needs a value");
        }
        return rest.remove();
    }

    private static BigInteger integer(String name, Deque<String> rest) throws Misuse {
        String value = value(name, rest);
        try {
            return new BigInteger(value);
        } catch (NumberFormatException e) {
            throw new Misuse(name + " must be a whole number, not '" + value + "'");
        }
    }

    private static BigDecimal number(String name, Deque<String> rest) throws Misuse {
        String value = value(name, rest);
        try {
            return new BigDecimal(value);
        } catch (NumberFormatException e) {
            throw new Misuse(name + " must be a number, not '" + value + "'");
        }
    }

    private static long duration(String name, Deque<String> rest) throws Misuse {
        String value = value(name, rest);
        Matcher matcher = DURATION.matcher(value);
        if (!matcher.matches()) {
            throw new Misuse(name + " must be a time such as 500ms, 30s, 2m or 1h, not '" + value + "'");
        }
        long count = Long.parseLong(matcher.group(1));
        String unit = matcher.group(2);
        return switch (unit == null ? "ms" : unit) {
            case "h" -> Duration.ofHours(count).toMillis();
            case "m" -> Duration.ofMinutes(count).toMillis();
            case "s" -> Duration.ofSeconds(count).toMillis();
            default -> count;
        };
    }

    /** {@code http} or {@code ws}, with or without a path: the address as given, without a slash at its end. */
    private static URI endpoint(String url) throws Misuse {
        try {
            URI uri = new URI(url.replaceAll("/+$", ""));
            String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
            if (scheme.matches("https?|wss?") && uri.getHost() != null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new Misuse("the URL of Flux must look like http://host:8080, not '" + url + "'");
    }

    /** Where the WebSocket is. */
    URI webSocket() {
        return webSocket(url);
    }

    /** The WebSocket of the Flux at an address. */
    static URI webSocket(URI flux) {
        boolean secure = flux.getScheme().toLowerCase(Locale.ROOT).matches("https|wss");
        String path = flux.getRawPath() == null ? "" : flux.getRawPath();
        return URI.create((secure ? "wss://" : "ws://")
                + flux.getRawAuthority()
                + (path.endsWith("/ws/generate") ? path : path + "/ws/generate"));
    }

    /** Whether Flux may be started here when it does not answer there. */
    boolean onThisMachine() {
        String host = url.getHost();
        return !urlGiven || host.equalsIgnoreCase("localhost") || host.equals("[::1]") || host.matches("127\\.[0-9.]+");
    }
}
