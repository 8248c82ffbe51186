package io.flux.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a llama-server says: where it listens, and what went wrong. Its lines are this class's log lines at DEBUG. One
 * thread reads; the others are for any.
 */
final class LlamaServerLog {
    private static final Logger LOG = LoggerFactory.getLogger(LlamaServerLog.class);
    private static final int TAIL_BYTES = 2 * 1024;

    /** {@code listening on http://127.0.0.1:44469}, with more after it in older builds. */
    private static final Pattern LISTENING = Pattern.compile("listening on https?://[^\\s:/]+:(\\d+)");

    /** {@code 0.00.013.593 E gguf_init_from_reader: …}, or the plain {@code error: …} about an argument. */
    private static final Pattern ERROR =
            Pattern.compile("^(?:[\\d.]+ E (?:srv|cmn|slot|que|res)? *(.+)|(error\\b.*))$", Pattern.CASE_INSENSITIVE);

    private final TailBuffer tail = new TailBuffer(TAIL_BYTES);
    private volatile int port;
    private volatile String error;
    private volatile boolean ready;

    /** Reads to the end. */
    void read(InputStream output, String model) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(output, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                take(line);
                LOG.debug("llama-server {}: {}", model, line);
            }
        } catch (IOException e) {
            LOG.debug("the log of llama-server {} could not be read to its end", model, e);
        }
    }

    /** One line. */
    void take(String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        tail.write(bytes, bytes.length);
        Matcher listening = LISTENING.matcher(line);
        if (listening.find()) {
            port = Integer.parseInt(listening.group(1));
        }
        Matcher matcher = ERROR.matcher(line);
        // Of the errors of a start the first is the cause and the others follow from it.
        if (matcher.matches() && (ready || error == null)) {
            error = (matcher.group(1) != null ? matcher.group(1) : matcher.group(2)).strip();
        }
    }

    /** It is ready: errors from here on have nothing to do with its start. */
    void ready() {
        ready = true;
        error = null;
    }

    /** Where it listens; 0 as long as it has not said so. */
    int port() {
        return port;
    }

    /** What went wrong, in its words: the first error of its start, or the last one since; or null. */
    String error() {
        return error;
    }

    /** The end of what it said. */
    String tail() {
        return tail.text();
    }
}
