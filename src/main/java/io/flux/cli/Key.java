package io.flux.cli;

import io.flux.access.KeyHash;
import io.flux.access.KeysFile;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** {@code flux key}: a new key, and what the file of keys holds of it. Talks to no Flux and writes no file. */
public final class Key {
    static final String HELP =
            """
            Usage: flux key [options] TENANT

            Makes a key. The key goes to stdout, once and nowhere else: give it to whoever is to have it.
            Its entry for the file that FLUX_KEYS names goes to stderr; it holds a hash, from which nobody finds the key.

              --models A,B   the models that it may ask (default: all)
              --jobs N       the most jobs of the tenant that wait or run for one model (default: any number)
              --rate X       jobs of the tenant for each second, in the long run (default: any)
              --burst N      jobs of the tenant at once (default: the rate, rounded up)
              --operator     it may see the jobs of all, dead letters and metrics
              -h, --help     this text

            Exit codes: 0 done; 2 misuse.
            """;

    private final OutputStream out;
    private final PrintStream err;

    Key(OutputStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] args) throws InterruptedException {
        StandardStreams streams = StandardStreams.take();
        System.exit(new Key(streams.out(), streams.err()).run(List.of(args)));
    }

    /** Does what the command line says. Returns the exit code. */
    int run(List<String> arguments) throws InterruptedException {
        return Outcome.of("key", err, () -> take(arguments));
    }

    private int take(List<String> arguments) throws Misuse, IOException {
        String key = KeyHash.newKey();
        String entry = entry(arguments, KeyHash.hex(key));
        if (entry == null) {
            print(HELP);
            return ExitCode.DONE;
        }
        print(key + "\n");
        err.print("flux: add this to the keys: of the file that FLUX_KEYS names; it takes effect at once\n" + entry);
        err.flush();
        return ExitCode.DONE;
    }

    /** What the file is to hold; null when help is wanted. */
    private static String entry(List<String> arguments, String hash) throws Misuse {
        Arguments line = new Arguments(arguments);
        StringBuilder rights = new StringBuilder();
        for (String option = line.nextOption(); option != null; option = line.nextOption()) {
            switch (option) {
                case "--models" ->
                    rights.append("    models: [")
                            .append(String.join(", ", line.value().split(",")))
                            .append("]\n");
                case "--jobs" ->
                    rights.append("    jobs: ").append(line.integer()).append('\n');
                case "--rate" ->
                    rights.append("    rate: ")
                            .append(line.number().toPlainString())
                            .append('\n');
                case "--burst" ->
                    rights.append("    burst: ").append(line.integer()).append('\n');
                case "--operator" -> rights.append("    operator: true\n");
                case "-h", "--help" -> {
                    return null;
                }
                default -> throw line.unknown();
            }
        }
        if (line.words().size() != 1) {
            throw new Misuse("key takes one tenant");
        }
        String entry = "  - tenant: " + line.words().get(0) + "\n    sha256: \"" + hash + "\"\n" + rights;
        try {
            KeysFile.check("the entry", "keys:\n" + entry);
        } catch (IllegalArgumentException e) {
            throw new Misuse(e.getMessage());
        }
        return entry;
    }

    private void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
