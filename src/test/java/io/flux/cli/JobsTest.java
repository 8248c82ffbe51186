package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class JobsTest {
    private static final String DONE =
            """
            {"request_id":"poem-1","model":"default","state":"done","last_seq":40,"text":"SECRET","finish_reason":"stop",
            "token_count":38,"usage":{"prompt_tokens":12,"completion_tokens":38},
            "timings":{"queue_ms":812,"requeue_ms":31,"load_ms":40.2,"prompt_eval_ms":90.1,"ttft_ms":140,"eval_ms":1960.0,
            "total_ms":2931,"tokens_per_second":19.4,
            "overhead":{"dispatch_ms":3.4,"relay_ms":2.9,"texts":38,"relay_mean_ms":0.076}},
            "record":{"created_ms":1795502042000,"accepted_ms":1795502042002,"started_ms":1795502042812,
            "ended_ms":1795502045743,"requeue_ms":31,"attempts":2,"resumes":1,"worker":"w-2","history":[
            {"attempt":1,"worker":"w-1","began_ms":1795502042812,"ended_ms":1795502043612,"outcome":"lost"},
            {"attempt":2,"worker":"w-2","began_ms":1795502043643,"ended_ms":1795502045743,"outcome":"stop"}]}}""";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile int status = 200;
    private volatile String body = "[]";
    private HttpServer server;

    @BeforeEach
    void startServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stopServer() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private int jobs(String... arguments) throws InterruptedException {
        return new Jobs(
                        out,
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of("FLUX_URL", url()),
                        ZoneId.of("+05:30"))
                .run(List.of(arguments));
    }

    private String stdout() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String stderr() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void theListSaysOfEachJobWhereItIsAndSinceWhen() throws Exception {
        body =
                """
                [{"model":"default","running":2,"waiting":70,"jobs":[
                {"request_id":"a@acme","tenant":"acme","state":"running","age_ms":2100,"attempts":2,"attempt_ms":812,"worker":"w-1"},
                {"request_id":"b@acme","tenant":"acme","state":"retrying","age_ms":12000,"attempts":1,"worker":"w-2"},
                {"request_id":"c@other","tenant":"other","state":"queued","age_ms":90,"position":1,"attempts":0}]},
                {"model":"idle","running":0,"waiting":0,"jobs":[]}]""";

        assertThat(jobs()).isZero();

        assertThat(stdout())
                .isEqualTo(
                        """
                        REQUEST ID  MODEL    STATE      AGE     ATTEMPT  FOR     WORKER
                        a@acme      default  running    2.1 s   2        812 ms  w-1
                        b@acme      default  retrying   12.0 s  1        -       w-2
                        c@other     default  queued #1  90 ms   -        -       -
                        default: 3 of 72 shown; 2 run, 70 wait; --limit shows more
                        """);
        assertThat(requests).containsExactly("GET /queue/jobs");
    }

    @Test
    void theListCanBeOfOneModelAndLonger() throws Exception {
        assertThat(jobs("list", "--model", "org/a b", "--limit=200")).isZero();

        assertThat(requests).containsExactly("GET /queue/jobs?model=org%2Fa%20b&limit=200");
        assertThat(stdout()).isEmpty();
        assertThat(stderr()).isEqualTo("flux: no job runs or waits at " + url() + "\n");
    }

    @Test
    void aJobIsShownWithItsTimelineAndWhereTheTimeWentButNotWhatItSays() throws Exception {
        body = DONE;

        assertThat(jobs("show", "poem-1")).isZero();

        assertThat(requests).containsExactly("GET /v1/jobs/poem-1");
        assertThat(stdout())
                .isEqualTo(
                        """
                        poem-1
                            model     default
                            state     done, stop
                            attempts  2
                            resumes   1
                            worker    w-2
                            tokens    12 read, 38 written
                            tokens/s  19.4

                            2026-11-24 +05:30  AFTER   WHAT
                            12:04:02.000               created
                            12:04:02.002       2 ms    in line
                            12:04:02.812       812 ms  attempt 1 begins at w-1
                            12:04:03.612       1.6 s   attempt 1 is over: lost
                            12:04:03.643       1.6 s   attempt 2 begins at w-2
                            12:04:03.783       1.8 s   first text
                            12:04:05.743       3.7 s   end

                            WHERE THE TIME WENT
                            queue                812 ms   █████████████████
                            queue again          31.0 ms  █
                            engine: load         40.2 ms  █
                            engine: prompt       90.1 ms  ██
                            engine: answer       2.0 s    ████████████████████████████████████████
                            flux: to engine      3.4 ms
                            flux: to journal     2.9 ms
                            0.076 ms for each of 38 texts from engine to journal
                        """);
    }

    @Test
    void aJobThatWaitsHasNoMoreThanItsPlace() throws Exception {
        body =
                """
                {"request_id":"poem-1","model":"default","state":"queued","position":3,"last_seq":0,"text":"",
                "record":{"created_ms":1795502042000,"attempts":0,"resumes":0,"history":[]}}""";

        assertThat(jobs("show", "poem-1")).isZero();

        assertThat(stdout())
                .isEqualTo(
                        """
                        poem-1
                            model  default
                            state  queued, number 3 in line

                            2026-11-24 +05:30  AFTER  WHAT
                            12:04:02.000              created
                        """);
    }

    @Test
    void aJobOfAnotherTenantIsAskedForAtTheOperatorsAddress() throws Exception {
        body = "{\"request_id\":\"a@acme\",\"model\":\"m\\u001b[31m\",\"state\":\"failed\","
                + "\"error\":{\"code\":\"engine_failed\",\"error\":\"it broke\"}}";

        assertThat(jobs("show", "a@acme")).isZero();

        assertThat(requests).containsExactly("GET /queue/jobs/a%40acme");
        assertThat(stdout())
                .isEqualTo("a@acme\n    model  m\uFFFD[31m\n    state  failed, engine_failed\n    error  it broke\n");
    }

    @Test
    void theJsonIsThatOfFlux() throws Exception {
        body = "{\"request_id\":\"poem-1\"}";
        assertThat(jobs("show", "--json", "poem-1")).isZero();
        body = "[]";
        assertThat(jobs("--json")).isZero();

        assertThat(stdout()).isEqualTo("{\"request_id\":\"poem-1\"}\n[]\n");
        assertThat(stderr()).isEmpty();
    }

    @Test
    void anErrorIsToldInTheWordsOfFlux() throws Exception {
        status = 403;
        body = "{\"type\":\"error\",\"code\":\"forbidden\",\"error\":\"this needs the key of an operator\"}";

        assertThat(jobs("list")).isEqualTo(1);

        assertThat(stderr()).isEqualTo("flux: forbidden: this needs the key of an operator\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "bury              | jobs cannot 'bury'; it can list and show",
                "list a            | list takes no id",
                "show              | show takes one id",
                "show a b          | show takes one id",
                "show ..           | '..' is no id of a job",
                "show a --limit 3  | --model and --limit are for list",
                "list --limit many | --limit must be a whole number, not 'many'",
                "list --all        | there is no option --all; -- ends the options"
            })
    void misuseIsNamedAndAsksNothing(String line, String message) throws Exception {
        assertThat(jobs(line.split(" "))).isEqualTo(2);

        assertThat(stderr()).isEqualTo("flux: " + message + "\nflux jobs --help says what there is\n");
        assertThat(requests).isEmpty();
    }

    @Test
    void helpGoesToStdout() throws Exception {
        assertThat(jobs("--help")).isZero();

        assertThat(stdout()).startsWith("Usage: flux jobs [list]");
        assertThat(requests).isEmpty();
    }
}
