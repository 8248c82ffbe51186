package io.flux.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@code flux dead}: what operators do with the jobs for which no attempt was left. */
public final class Dead {
    private static final String LETTERS = "/queue/dead";

    private final OutputStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private final ZoneId zone;

    /** What is done with one dead letter. Returns the id that its request has then. */
    private interface Step {
        String take(String id) throws FluxError, IOException, InterruptedException;
    }

    /**
     * @param zone whose time is shown
     */
    Dead(OutputStream out, PrintStream err, Map<String, String> environment, ZoneId zone) {
        this.out = out;
        this.err = err;
        this.environment = environment;
        this.zone = zone;
    }

    public static void main(String[] args) throws InterruptedException {
        StandardStreams streams = StandardStreams.take();
        Dead dead = new Dead(streams.out(), streams.err(), System.getenv(), ZoneId.systemDefault());
        System.exit(dead.run(List.of(args)));
    }

    /** Does what the command line says; blocks until it is done. Returns the exit code. */
    int run(List<String> arguments) throws InterruptedException {
        return Outcome.of("dead", err, () -> take(arguments));
    }

    private int take(List<String> arguments) throws Misuse, FluxError, IOException, InterruptedException {
        DeadOptions options = DeadOptions.parse(arguments, environment);
        if (options.help()) {
            print(DeadOptions.HELP);
            return ExitCode.DONE;
        }
        FluxHttp flux = new FluxHttp(options.url(), FluxAccess.of(environment));
        return switch (options.action()) {
            case LIST -> list(flux, options);
            case SHOW -> show(flux, options);
            case REPLAY -> each(flux, options, id -> replay(flux, id, options.json()));
            case DROP -> each(flux, options, id -> drop(flux, id));
        };
    }

    private int list(FluxHttp flux, DeadOptions options) throws FluxError, IOException, InterruptedException {
        FluxHttp.Answer letters = letters(flux);
        if (options.json()) {
            print(letters.body() + "\n");
        } else if (letters.json().isEmpty()) {
            tellThereIsNone(options);
        } else {
            print(new DeadText(zone).table(letters.json()));
        }
        return ExitCode.DONE;
    }

    private int show(FluxHttp flux, DeadOptions options) throws FluxError, IOException, InterruptedException {
        FluxHttp.Answer letter = flux.get(path(options.ids().get(0)));
        print(options.json() ? letter.body() + "\n" : new DeadText(zone).whole(letter.json()));
        return ExitCode.DONE;
    }

    private String replay(FluxHttp flux, String id, boolean json) throws FluxError, IOException, InterruptedException {
        FluxHttp.Answer replayed = flux.post(path(id) + "/replay");
        String again = replayed.json().path("request_id").asText();
        print(json ? replayed.body() + "\n" : id + " is in the queue again as " + again + "\n");
        return again;
    }

    private String drop(FluxHttp flux, String id) throws FluxError, IOException, InterruptedException {
        flux.delete(path(id));
        print(id + " is deleted\n");
        return id;
    }

    /** An error that is about one dead letter does not keep the others from being taken. */
    private int each(FluxHttp flux, DeadOptions options, Step step)
            throws FluxError, IOException, InterruptedException {
        // With --all, a replay that died meanwhile is not replayed again.
        Set<String> taken = new HashSet<>();
        List<String> ids = options.all() ? others(flux, taken) : options.ids();
        if (ids.isEmpty()) {
            tellThereIsNone(options);
        }
        int code = ExitCode.DONE;
        while (!ids.isEmpty()) {
            for (String id : ids) {
                taken.add(id);
                try {
                    taken.add(step.take(id));
                } catch (FluxError e) {
                    if (e.isLasting()) {
                        throw e;
                    }
                    tell(e);
                    code = ExitCode.FAILED;
                }
            }
            // One list does not hold them all when there are very many.
            ids = options.all() ? others(flux, taken) : List.of();
        }
        return code;
    }

    private static List<String> others(FluxHttp flux, Set<String> taken) throws FluxError, InterruptedException {
        List<String> ids = new ArrayList<>();
        letters(flux).json().forEach(letter -> ids.add(letter.path("request_id").asText()));
        ids.removeAll(taken);
        return ids;
    }

    private static FluxHttp.Answer letters(FluxHttp flux) throws FluxError, InterruptedException {
        FluxHttp.Answer letters = flux.get(LETTERS);
        if (!letters.json().isArray()) {
            throw flux.stranger(LETTERS + " is no list");
        }
        return letters;
    }

    private static String path(String id) {
        return LETTERS + "/" + FluxHttp.segment(id);
    }

    private void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private void tell(Exception problem) {
        err.println("flux: " + Plain.harmless(String.valueOf(problem.getMessage())));
    }

    private void tellThereIsNone(DeadOptions options) {
        err.println("flux: there are no dead letters at " + options.url());
    }
}
