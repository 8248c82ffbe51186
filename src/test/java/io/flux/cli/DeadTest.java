package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class DeadTest {
    private static final String LIST = "GET /queue/dead";
    private static final String POEM =
            """
            {"request_id":"poem","model":"default","created_ms":1795502042752,"failure":{"code":"engine_failed",
            "error":"the engine exited with code 7","attempts":3,"exit_code":7,"stderr":"one\\n  two\\n",
            "worker":"w-1","died_ms":1795502052192}}""";
    private static final String CHAT =
            """
            {"request_id":"chat:2","model":"große","created_ms":1795502042000,"failure":{"code":"worker_lost",
            "error":"the worker was lost","attempts":30,"stderr":"","died_ms":1795502043000}}""";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final Map<String, Queue<Answer>> answers = new HashMap<>();
    private HttpServer server;

    private record Answer(int status, String body) {}

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
        String request =
                exchange.getRequestMethod() + " " + exchange.getRequestURI().getRawPath();
        requests.add(request);
        Queue<Answer> prepared = answers.getOrDefault(request, new ArrayDeque<>());
        Answer answer = prepared.size() > 1 ? prepared.remove() : prepared.peek();
        if (answer == null) {
            answer = new Answer(500, "no answer was prepared for " + request);
        }
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    /** The answer to a request; the last of several is given again and again. */
    private void answering(String request, int status, String body) {
        answers.computeIfAbsent(request, any -> new ArrayDeque<>()).add(new Answer(status, body));
    }

    private void replaying(String id) {
        answering(
                "POST /queue/dead/" + id + "/replay",
                200,
                "{\"request_id\":\"" + id + ".replay\",\"replays\":\"" + id + "\"}");
    }

    private void refusing(String request, int status, String code, String error) {
        answering(request, status, "{\"type\":\"error\",\"code\":\"" + code + "\",\"error\":\"" + error + "\"}");
    }

    private String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private int dead(String... arguments) throws InterruptedException {
        return dead(out, arguments);
    }

    private int dead(OutputStream stdout, String... arguments) throws InterruptedException {
        return new Dead(
                        stdout,
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
    void theListIsATableInTheOrderAndWithTheWordsOfFlux() throws Exception {
        answering(LIST, 200, "[" + POEM + "," + CHAT + "]");

        assertThat(dead("list")).isZero();

        assertThat(stdout())
                .isEqualTo(
                        """
                        REQUEST ID  MODEL    DIED                 ATTEMPTS  EXIT  ERROR
                        poem        default  2026-11-24 12:04:12  3         7     the engine exited with code 7
                        chat:2      große    2026-11-24 12:04:03  30        -     the worker was lost
                        """);
        assertThat(stderr()).isEmpty();
    }

    @Test
    void whenThereIsNoDeadLetterStderrSaysSo() throws Exception {
        answering(LIST, 200, "[]");

        assertThat(dead("list")).isZero();

        assertThat(stdout()).isEmpty();
        assertThat(stderr()).isEqualTo("flux: there are no dead letters at " + url() + "\n");
    }

    @Test
    void theJsonOfAListIsThatOfFlux() throws Exception {
        answering(LIST, 200, "[]");

        assertThat(dead("list", "--json")).isZero();

        assertThat(stdout()).isEqualTo("[]\n");
        assertThat(stderr()).isEmpty();
    }

    @Test
    void aPromptIsShownWithAllThatIsKnownOfItsDeath() throws Exception {
        answering(
                "GET /queue/dead/poem",
                200,
                POEM.substring(0, POEM.length() - 1)
                        + """
                        ,"request":{"model":"default","prompt":"Grüße\\n\\nan das Meer 🌊\\n","max_tokens":64,
                        "stop":["\\n\\n"],"on_disconnect":"grace"}}""");

        assertThat(dead("show", "poem")).isZero();

        assertThat(stdout())
                .isEqualTo(
                        """
                        poem
                            model      default
                            created    2026-11-24 12:04:02 +05:30
                            died       2026-11-24 12:04:12 +05:30
                            code       engine_failed
                            error      the engine exited with code 7
                            attempts   3
                            exit code  7
                            worker     w-1

                        prompt
                            Grüße

                            an das Meer 🌊

                        parameters
                            max_tokens     64
                            stop           ["\\n\\n"]
                            on_disconnect  grace

                        stderr
                            one
                              two
                        """);
    }

    @Test
    void aConversationIsShownTurnByTurnAndWhatIsNotKnownIsSaidOrLeftOut() throws Exception {
        answering(
                "GET /queue/dead/chat%3A2",
                200,
                CHAT.substring(0, CHAT.length() - 1)
                        + """
                        ,"request":{"model":"große","messages":[{"role":"system","content":"Be brief."},
                        {"role":"user","content":"Hello"}],"max_tokens":256}}""");

        assertThat(dead("show", "chat:2")).isZero();

        assertThat(stdout())
                .contains("exit code  none: it was not an engine that ended\n")
                .contains("\nsystem\n    Be brief.\n\nuser\n    Hello\n\nparameters\n    max_tokens  256\n")
                .doesNotContain("stderr", "prompt");
    }

    @Test
    void noControlCharacterOfAPromptOrAnEngineReachesTheTerminal() throws Exception {
        answering(
                "GET /queue/dead/x",
                200,
                """
                {"request_id":"x","failure":{"error":"red \\u001b[31m","stderr":"10%\\r20%\\r\\n\\u009b2J"},
                "request":{"prompt":"bell\\u0007\\ttab"}}""");

        assertThat(dead("show", "x")).isZero();

        assertThat(stdout())
                .contains("red \uFFFD[31m", "    10%\n    20%\n    \uFFFD2J\n", "bell\uFFFD\ttab")
                .doesNotContain("\u001b", "\r", "\u009b", "\u0007");
    }

    @Test
    void theJsonOfOneIsThatOfFlux() throws Exception {
        answering("GET /queue/dead/poem", 200, "{\"request_id\":\"poem\",\"model\":\"große\"}");

        assertThat(dead("show", "--json", "poem")).isZero();

        assertThat(stdout()).isEqualTo("{\"request_id\":\"poem\",\"model\":\"große\"}\n");
    }

    @Test
    void aReplayTellsTheNewId() throws Exception {
        replaying("a");
        replaying("b");

        assertThat(dead("replay", "a", "b", "a")).isZero();

        assertThat(stdout()).isEqualTo("a is in the queue again as a.replay\nb is in the queue again as b.replay\n");
        assertThat(requests).containsExactly("POST /queue/dead/a/replay", "POST /queue/dead/b/replay");
    }

    @Test
    void theJsonOfAReplayIsALineForEach() throws Exception {
        replaying("a");
        replaying("b");

        assertThat(dead("replay", "a", "b", "--json")).isZero();

        assertThat(stdout())
                .isEqualTo(
                        """
                        {"request_id":"a.replay","replays":"a"}
                        {"request_id":"b.replay","replays":"b"}
                        """);
    }

    @Test
    void allAreReplayedHoweverManyListsThatTakesButNoReplayIsReplayed() throws Exception {
        answering(LIST, 200, "[{\"request_id\":\"c\"},{\"request_id\":\"b\"}]");
        answering(LIST, 200, "[{\"request_id\":\"c.replay\"},{\"request_id\":\"a\"}]");
        answering(LIST, 200, "[{\"request_id\":\"c.replay\"}]");
        replaying("a");
        replaying("b");
        replaying("c");

        assertThat(dead("replay", "--all")).isZero();

        assertThat(requests)
                .containsExactly(
                        LIST,
                        "POST /queue/dead/c/replay",
                        "POST /queue/dead/b/replay",
                        LIST,
                        "POST /queue/dead/a/replay",
                        LIST);
    }

    @Test
    void droppedLettersAreDeleted() throws Exception {
        answering("DELETE /queue/dead/a", 204, "");
        answering("DELETE /queue/dead/b", 204, "");

        assertThat(dead("drop", "a", "b")).isZero();

        assertThat(stdout()).isEqualTo("a is deleted\nb is deleted\n");
    }

    @Test
    void allAreDroppedAndWhenThereIsNoneStderrSaysSo() throws Exception {
        answering(LIST, 200, "[{\"request_id\":\"a\"}]");
        answering(LIST, 200, "[]");
        answering("DELETE /queue/dead/a", 204, "");

        assertThat(dead("drop", "--all")).isZero();
        assertThat(stdout()).isEqualTo("a is deleted\n");
        assertThat(stderr()).isEmpty();

        assertThat(dead("drop", "--all")).isZero();
        assertThat(stdout()).isEqualTo("a is deleted\n");
        assertThat(stderr()).isEqualTo("flux: there are no dead letters at " + url() + "\n");
    }

    @ParameterizedTest
    @CsvSource({
        "aA0._-, aA0._-",
        "a:b, a%3Ab",
        "a/b, a%2Fb",
        "a b+c?d#e, a%20b%2Bc%3Fd%23e",
        "100%, 100%25",
        "größe, gr%C3%B6%C3%9Fe",
        "..., ..."
    })
    void anIdIsOneSegmentOfThePathWhateverIsInIt(String id, String segment) throws Exception {
        answering("GET /queue/dead/" + segment, 200, "{}");

        assertThat(dead("show", id)).isZero();
    }

    @Test
    void anIdThatBeginsWithADashFollowsTwoDashes() throws Exception {
        replaying("-a");

        assertThat(dead("replay", "--", "-a")).isZero();

        assertThat(stdout()).isEqualTo("-a is in the queue again as -a.replay\n");
    }

    @Test
    void anErrorIsToldInTheWordsOfFlux() throws Exception {
        refusing("GET /queue/dead/gone", 404, "not_found", "there is no dead letter größe");

        assertThat(dead("show", "gone")).isEqualTo(1);

        assertThat(stdout()).isEmpty();
        assertThat(stderr()).isEqualTo("flux: not_found: there is no dead letter größe\n");
    }

    @Test
    void anErrorAboutOneLetterDoesNotKeepTheOthersFromBeingTaken() throws Exception {
        refusing("POST /queue/dead/a/replay", 404, "not_found", "there is no dead letter a");
        replaying("b");

        assertThat(dead("replay", "a", "b")).isEqualTo(1);

        assertThat(stdout()).isEqualTo("b is in the queue again as b.replay\n");
        assertThat(stderr()).isEqualTo("flux: not_found: there is no dead letter a\n");
    }

    @Test
    void aFullQueueEndsTheReplayOfSeveral() throws Exception {
        answering(
                "POST /queue/dead/a/replay",
                429,
                """
                {"type":"error","code":"overloaded","error":"the queue is full","retry_after_ms":4200}""");
        replaying("b");

        assertThat(dead("replay", "a", "b")).isEqualTo(1);

        assertThat(stdout()).isEmpty();
        assertThat(stderr()).isEqualTo("flux: overloaded: the queue is full; try again in 4.2 s\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "404 | <h1>Not Found</h1>  | HTTP status 404",
                "502 | {}                  | HTTP status 502",
                "302 | ''                  | HTTP status 302",
                "200 | <h1>Hello</h1>      | Unexpected character",
                "200 | {}                  | /queue/dead is no list"
            })
    void somethingElseThatAnswersThereIsNoFlux(int status, String body, String sign) throws Exception {
        answering(LIST, status, body);

        assertThat(dead("list")).isEqualTo(1);

        assertThat(stderr())
                .startsWith("flux: what answers at " + url() + " does not speak Flux's protocol: " + sign)
                .hasLineCount(1);
    }

    @Test
    void whereNoFluxAnswersTheMessageNamesTheAddressAndWhatToDo() throws Exception {
        String url = url();
        server.stop(0);

        assertThat(dead("list")).isEqualTo(1);

        assertThat(stderr())
                .isEqualTo("flux: no Flux answers at " + url + ": nothing listens there; "
                        + "./flux up starts one, and --url or FLUX_URL says where another one is\n");
    }

    @Test
    void theOptionsAddressComesBeforeTheEnvironments() throws Exception {
        assertThat(dead("list", "--url", "http://flux.invalid:8080")).isEqualTo(1);

        assertThat(stderr()).startsWith("flux: no Flux answers at http://flux.invalid:8080: ");
        assertThat(requests).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''             | dead must be told what to do: list, show, replay or drop",
                "bury           | dead cannot 'bury'; it can list, show, replay and drop",
                "list a         | list takes no id",
                "list --all     | --all is for replay and drop",
                "show           | show takes one id",
                "show a b       | show takes one id",
                "show --all     | --all is for replay and drop",
                "replay         | replay takes ids, or --all",
                "replay a --all | replay takes ids, or --all",
                "drop           | drop takes ids, or --all",
                "drop --all a   | drop takes ids, or --all",
                "drop --json a  | --json is for list, show and replay",
                "show ..        | '..' is no id of a dead letter",
                "list --wat     | there is no option --wat; -- ends the options",
                "list --json=1  | --json takes no value",
                "list --url     | --url needs a value",
                "list --url=x   | the URL of Flux must look like http://host:8080, not 'x'"
            })
    void misuseIsNamedAndAsksNothing(String line, String message) throws Exception {
        assertThat(dead(line.isEmpty() ? new String[0] : line.split(" "))).isEqualTo(2);

        assertThat(stdout()).isEmpty();
        assertThat(stderr()).isEqualTo("flux: " + message + "\nflux dead --help says what there is\n");
        assertThat(requests).isEmpty();
    }

    @Test
    void anEmptyIdIsMisuse() throws Exception {
        assertThat(dead("drop", "")).isEqualTo(2);

        assertThat(requests).isEmpty();
    }

    @Test
    void helpGoesToStdout() throws Exception {
        assertThat(dead("--help")).isZero();
        assertThat(dead("replay", "-h")).isZero();

        assertThat(stdout()).startsWith("Usage: flux dead list\n").contains("replay ID…");
        assertThat(stderr()).isEmpty();
        assertThat(requests).isEmpty();
    }

    @Test
    void whenNobodyReadsTheTableThatIsTheEnd() throws Exception {
        answering(LIST, 200, "[" + POEM + "]");
        OutputStream broken = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };

        assertThat(dead(broken, "list")).isEqualTo(141);

        assertThat(stderr()).isEmpty();
    }
}
