package io.flux.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code flux jobs}: which jobs run and wait, and where one of them has been. */
public final class Jobs {
    private static final String LIST = "/queue/jobs";
    private static final String OWN = "/v1/jobs";

    private final OutputStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private final ZoneId zone;

    /**
     * @param zone whose time is shown
     */
    Jobs(OutputStream out, PrintStream err, Map<String, String> environment, ZoneId zone) {
        this.out = out;
        this.err = err;
        this.environment = environment;
        this.zone = zone;
    }

    public static void main(String[] args) throws InterruptedException {
        StandardStreams streams = StandardStreams.take();
        Jobs jobs = new Jobs(streams.out(), streams.err(), System.getenv(), ZoneId.systemDefault());
        System.exit(jobs.run(List.of(args)));
    }

    /** Does what the command line says; blocks until it is done. Returns the exit code. */
    int run(List<String> arguments) throws InterruptedException {
        return Outcome.of("jobs", err, () -> take(arguments));
    }

    private int take(List<String> arguments) throws Misuse, FluxError, IOException, InterruptedException {
        JobsOptions options = JobsOptions.parse(arguments, environment);
        if (options.help()) {
            print(JobsOptions.HELP);
            return ExitCode.DONE;
        }
        FluxHttp flux = new FluxHttp(options.url(), FluxAccess.of(environment));
        if (options.id() == null) {
            list(flux, options);
        } else {
            show(flux, options);
        }
        return ExitCode.DONE;
    }

    private void list(FluxHttp flux, JobsOptions options) throws FluxError, IOException, InterruptedException {
        List<String> query = new ArrayList<>();
        if (options.model() != null) {
            query.add("model=" + FluxHttp.segment(options.model()));
        }
        if (options.limit() != null) {
            query.add("limit=" + options.limit());
        }
        FluxHttp.Answer models = flux.get(LIST + (query.isEmpty() ? "" : "?" + String.join("&", query)));
        if (!models.json().isArray()) {
            throw flux.stranger(LIST + " is no list");
        }
        if (options.json()) {
            print(models.body() + "\n");
            return;
        }
        String table = JobsText.table(models.json());
        if (table.isEmpty()) {
            err.println("flux: no job runs or waits at " + options.url());
        }
        print(table);
    }

    private void show(FluxHttp flux, JobsOptions options) throws FluxError, IOException, InterruptedException {
        // With its tenant it may be anybody's, which is for operators.
        String door = options.id().indexOf('@') < 0 ? OWN : LIST;
        FluxHttp.Answer job = flux.get(door + "/" + FluxHttp.segment(options.id()));
        print(options.json() ? job.body() + "\n" : new JobsText(zone).life(job.json()));
    }

    private void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
