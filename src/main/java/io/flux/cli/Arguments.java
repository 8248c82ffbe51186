package io.flux.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.text.Utf8;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A command line as all commands read it: options in any order, with their value behind {@code =} or as the next
 * argument, and words between them; after {@code --} there are only words.
 */
final class Arguments {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,12})(ms|s|m|h)?");

    private final Deque<String> rest;
    private final List<String> words = new ArrayList<>();
    private String option;
    /** Behind the option's {@code =}, until it is read; else null. */
    private String attached;

    Arguments(List<String> arguments) {
        rest = new ArrayDeque<>(arguments);
    }

    /** The next option, such as {@code --url}; null when there is none left. */
    String nextOption() throws Misuse {
        if (attached != null) {
            throw new Misuse(option + " takes no value");
        }
        while (!rest.isEmpty()) {
            String argument = rest.remove();
            if (argument.equals("--")) {
                words.addAll(rest);
                rest.clear();
            } else if (!argument.startsWith("-") || argument.equals("-")) {
                words.add(argument);
            } else {
                int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
                option = equals < 0 ? argument : argument.substring(0, equals);
                attached = equals < 0 ? null : argument.substring(equals + 1);
                return option;
            }
        }
        return null;
    }

    /** What was no option, once all options are read. */
    List<String> words() {
        return List.copyOf(words);
    }

    /** That the command does not have this option. */
    Misuse unknown() {
        return new Misuse("there is no option " + option + "; -- ends the options");
    }

    /** The option's value. */
    String value() throws Misuse {
        String value = attached == null ? rest.poll() : attached;
        attached = null;
        if (value == null) {
            throw new Misuse(option + " needs a value");
        }
        return value;
    }

    BigInteger integer() throws Misuse {
        String value = value();
        try {
            return new BigInteger(value);
        } catch (NumberFormatException e) {
            throw new Misuse(option + " must be a whole number, not '" + value + "'");
        }
    }

    /** A whole number from 1 to 1,000,000. */
    int count() throws Misuse {
        BigInteger value = integer();
        if (value.signum() < 1 || value.compareTo(BigInteger.valueOf(1_000_000)) > 0) {
            throw new Misuse(option + " must be between 1 and 1000000, not " + value);
        }
        return value.intValue();
    }

    BigDecimal number() throws Misuse {
        String value = value();
        try {
            return new BigDecimal(value);
        } catch (NumberFormatException e) {
            throw new Misuse(option + " must be a number, not '" + value + "'");
        }
    }

    /** The option's value; one that begins with {@code @} is the name of the file that holds it. Reads it. */
    String text() throws Misuse {
        String value = value();
        if (!value.startsWith("@")) {
            return value;
        }
        String file = value.substring(1);
        try {
            return Utf8.read(Path.of(file));
        } catch (CharacterCodingException e) {
            throw new Misuse(option + " cannot use '" + file + "': it is not UTF-8");
        } catch (IOException | InvalidPathException e) {
            throw new Misuse(option + " cannot read '" + file + "'");
        }
    }

    /** JSON, as {@link #text} finds it. */
    JsonNode json() throws Misuse {
        JsonNode json;
        try {
            json = new ObjectMapper()
                    .reader()
                    .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readTree(text());
        } catch (JsonProcessingException e) {
            throw new Misuse(option + " must be JSON: " + e.getOriginalMessage());
        }
        if (json.isMissingNode()) {
            throw new Misuse(option + " must be JSON, not empty");
        }
        return json;
    }

    /** A time in ms. */
    long duration() throws Misuse {
        String value = value();
        Matcher matcher = DURATION.matcher(value);
        if (!matcher.matches()) {
            throw new Misuse(option + " must be a time such as 500ms, 30s, 2m or 1h, not '" + value + "'");
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
}
