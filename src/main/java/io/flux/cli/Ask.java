package io.flux.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.RequestIds;
import io.flux.text.Utf8;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** {@code flux ask}: a question in, its answer on stdout as the model writes it. */
public final class Ask {
    private static final Duration RECONNECT = Duration.ofSeconds(30);
    /** Enough to cancel, and to stop Redis and the engine when they are ours. */
    private static final long GOODBYE_SECONDS = 20;

    private final InputStream in;
    private final OutputStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private final Terminals terminals;
    private final Duration patience;
    private volatile AskSession running;

    /** Which of the standard streams are terminals; Java itself cannot tell them apart. */
    record Terminals(boolean in, boolean out, boolean err) {
        /** As the launcher says, by {@code -Dflux.terminals=012}; else both when there is a console, or none. */
        static Terminals detect() {
            String said = System.getProperty("flux.terminals");
            boolean console = System.console() != null;
            return said == null
                    ? new Terminals(console, console, console)
                    : new Terminals(said.contains("0"), said.contains("1"), said.contains("2"));
        }
    }

    /**
     * @param patience how long to try to come back after the connection was lost
     */
    Ask(
            InputStream in,
            OutputStream out,
            PrintStream err,
            Map<String, String> environment,
            Terminals terminals,
            Duration patience) {
        this.in = in;
        this.out = out;
        this.err = err;
        this.environment = environment;
        this.terminals = terminals;
        this.patience = patience;
    }

    public static void main(String[] args) throws InterruptedException {
        StandardStreams streams = StandardStreams.take();
        Ask ask = new Ask(System.in, streams.out(), streams.err(), System.getenv(), Terminals.detect(), RECONNECT);
        CountDownLatch finished = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            if (finished.getCount() > 0) {
                                ask.interrupt(finished);
                                Runtime.getRuntime().halt(ExitCode.INTERRUPTED);
                            }
                        },
                        "ask-interrupted"));
        int code = ask.run(List.of(args));
        finished.countDown();
        System.exit(code);
    }

    /** Ctrl-C: the job is cancelled, then everything of ours ends. Blocks until it has, within bounds. */
    private void interrupt(CountDownLatch finished) {
        AskSession session = running;
        if (session == null) {
            return; // nothing has been asked
        }
        session.interrupt();
        try {
            if (!finished.await(GOODBYE_SECONDS, TimeUnit.SECONDS)) {
                err.println("flux: giving up on a clean end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Does what the command line says; blocks until it is done. Returns the exit code. */
    int run(List<String> arguments) throws InterruptedException {
        AskOptions options;
        FluxAccess access;
        String prompt;
        try {
            options = AskOptions.parse(arguments, environment);
            if (options.help()) {
                out.write(AskOptions.HELP.getBytes(StandardCharsets.UTF_8));
                return ExitCode.DONE;
            }
            access = FluxAccess.of(environment);
            prompt = prompt(options);
        } catch (Misuse e) {
            err.println("flux: " + e.getMessage());
            err.println("flux ask --help says what there is");
            return ExitCode.MISUSED;
        } catch (IOException e) {
            err.println("flux: cannot read the prompt: " + e.getMessage());
            return ExitCode.FAILED;
        }
        ObjectMapper mapper = new ObjectMapper();
        Display display = new Display(out, err, terminals.err(), options.json(), options.quiet());
        AskSession session = new AskSession(access, mapper, request(mapper, options, prompt), display, patience);
        try {
            session.connect(options.url().webSocket());
        } catch (IOException e) {
            return options.url().isOnThisMachine() && !isFlux(e)
                    ? askOwn(session, display, options)
                    : unreachable(display, options.url(), access, e);
        }
        running = session;
        return session.run();
    }

    private String fromStdin() throws IOException, Misuse {
        try {
            return Utf8.decode(in.readAllBytes());
        } catch (Utf8.NotUtf8Exception e) {
            throw new Misuse("the prompt on stdin is not text in UTF-8: " + e.getMessage());
        }
    }

    private String prompt(AskOptions options) throws IOException, Misuse {
        String prompt = options.prompt();
        if (options.fromStdin() || (prompt == null && !terminals.in())) {
            prompt = fromStdin().stripTrailing();
        }
        if (prompt == null || prompt.isBlank()) {
            throw new Misuse("the prompt is missing");
        }
        return prompt;
    }

    private static ObjectNode request(ObjectMapper mapper, AskOptions options, String prompt) {
        ObjectNode request =
                mapper.createObjectNode().put("type", "generate").put("request_id", new RequestIds().get());
        if (options.system() == null) {
            request.put("prompt", prompt);
        } else {
            request.putArray("messages")
                    .add(mapper.createObjectNode().put("role", "system").put("content", options.system()))
                    .add(mapper.createObjectNode().put("role", "user").put("content", prompt));
        }
        options.parameters().forEach((name, value) -> request.set(name, mapper.valueToTree(value)));
        return request;
    }

    private int askOwn(AskSession session, Display display, AskOptions options) throws InterruptedException {
        display.status("no Flux at " + options.url() + "; starting Flux for this question…");
        running = session;
        try (EmbeddedFlux flux = EmbeddedFlux.start()) {
            session.connect(flux.url().webSocket());
            return session.run();
        } catch (IOException e) {
            if (session.isInterrupted()) {
                return ExitCode.INTERRUPTED;
            }
            display.error("Flux could not be started: " + e.getMessage());
            return ExitCode.FAILED;
        }
    }

    /** Whether it was Flux, or something in front of it, that did not want us: another one would be no answer to that. */
    private static boolean isFlux(IOException failure) {
        if (failure instanceof WebSocketHandshakeException refused) {
            int status = refused.getResponse().statusCode();
            return status == 401 || status == 403 || status == 429 || status >= 500;
        }
        return failure instanceof SSLException;
    }

    private static int unreachable(Display display, FluxUrl url, FluxAccess access, IOException failure) {
        boolean locked = failure instanceof WebSocketHandshakeException refused
                && refused.getResponse().statusCode() == 401;
        display.error(
                locked
                        ? "Flux at " + url + " lets nobody in without a key that it knows; " + access.hint()
                        : url.unreachable(failure));
        return ExitCode.FAILED;
    }
}
