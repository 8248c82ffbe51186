import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A client of Flux and of the llama-server behind it, with a clock. Run by {@code engine} beside it.
 *
 * <ul>
 *   <li>{@code first-token}: time to first token through Flux and from the server directly, in turns, one request at a
 *       time, from before the request is sent until its first text is in this program's hands. The client of Flux keeps
 *       its connection; llama-server closes one that has carried a stream, so each request to it makes one, as Flux's do.
 *   <li>{@code cancel}: from a client's cancel until {@code GET /slots} says for the first time that no slot is at work, the
 *       time of that request included.
 * </ul>
 *
 * <p>Arguments: which of them, Flux's WebSocket address, the server's address and key, how many rounds to count, how many to
 * warm up.
 */
final class EngineBench {
    private static final String CONTENT = "\"content\":\"";

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
    private final URI server;
    private final String key;
    private final WebSocket flux;

    private EngineBench(String flux, String server, String key) {
        this.server = URI.create(server);
        this.key = key;
        this.flux = http.newWebSocketBuilder().buildAsync(URI.create(flux), new Frames()).join();
    }

    private final class Frames implements WebSocket.Listener {
        private final StringBuilder frame = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            frame.append(data);
            if (last) {
                frames.add(frame.toString());
                frame.setLength(0);
            }
            socket.request(1);
            return null;
        }
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        EngineBench bench = new EngineBench(args[1], args[2], args[3]);
        int rounds = Integer.parseInt(args[4]);
        int warmup = Integer.parseInt(args[5]);
        System.out.printf(Locale.ROOT, "%-24s %8s %8s %8s %8s   (ms, %d each)%n", "", "p50", "p90", "p99", "max", rounds);
        if (args[0].equals("cancel")) {
            bench.cancels(rounds, warmup);
        } else {
            bench.firstTokens(rounds, warmup);
        }
        System.exit(0);
    }

    private void firstTokens(int rounds, int warmup) throws IOException, InterruptedException {
        double[] direct = new double[rounds];
        double[] through = new double[rounds];
        for (int round = -warmup; round < rounds; round++) {
            // No prompt comes twice: the server keeps what it has read.
            String first = "Write me a poem about the number " + (2 * (round + warmup));
            String second = "Write me a poem about the number " + (2 * (round + warmup) + 1);
            boolean swapped = round % 2 != 0;
            double a = swapped ? askFlux(first) : askServer(first);
            double b = swapped ? askServer(second) : askFlux(second);
            if (round >= 0) {
                direct[round] = swapped ? b : a;
                through[round] = swapped ? a : b;
            }
        }
        print("llama-server directly", direct);
        print("through Flux", through);
        System.out.printf(
                Locale.ROOT,
                "%-24s %8.2f %8.2f %8.2f%n",
                "Flux adds",
                at(through, 50) - at(direct, 50),
                at(through, 90) - at(direct, 90),
                at(through, 99) - at(direct, 99));
    }

    private void cancels(int rounds, int warmup) throws IOException, InterruptedException {
        double[] freed = new double[rounds];
        for (int round = -warmup; round < rounds; ) {
            double millis = cancel("cancel-" + System.nanoTime());
            if (millis > 0) {
                if (round >= 0) {
                    freed[round] = millis;
                }
                round++;
            }
        }
        print("cancel to free slot", freed);
    }

    private static void print(String name, double[] values) {
        Arrays.sort(values);
        System.out.printf(
                Locale.ROOT,
                "%-24s %8.2f %8.2f %8.2f %8.2f%n",
                name,
                at(values, 50),
                at(values, 90),
                at(values, 99),
                values[values.length - 1]);
    }

    private static double at(double[] sorted, int percent) {
        return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
    }

    /** Asks the server as a chat client does, and reads the answer to its end. */
    private double askServer(String prompt) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(server.resolve("/v1/chat/completions"))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + key)
                .header("Connection", "close")
                .POST(BodyPublishers.ofString("{\"stream\":true,\"max_tokens\":8,\"temperature\":0,"
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}"))
                .build();
        long start = System.nanoTime();
        long first = 0;
        HttpResponse<Stream<String>> response = http.send(request, BodyHandlers.ofLines());
        requireOk(response);
        for (Iterator<String> lines = response.body().iterator(); lines.hasNext(); ) {
            if (lines.next().contains(CONTENT) && first == 0) {
                first = System.nanoTime();
            }
        }
        return millis(start, first);
    }

    /** Asks Flux, and reads the answer to its end. */
    private double askFlux(String prompt) throws IOException, InterruptedException {
        long start = System.nanoTime();
        say("{\"max_tokens\":8,\"temperature\":0,\"prompt\":\"" + prompt + "\"}");
        await("token");
        long first = System.nanoTime();
        await("complete");
        return millis(start, first);
    }

    /** Has Flux begin a long answer and cancels it; 0 when it had ended before the cancel came. */
    private double cancel(String id) throws IOException, InterruptedException {
        say("{\"request_id\":\"" + id + "\",\"max_tokens\":480,\"prompt\":\"Tell me a bedtime story\"}");
        await("token");
        long start = System.nanoTime();
        say("{\"type\":\"cancel\",\"request_id\":\"" + id + "\"}");
        while (isAtWork()) {
            Thread.onSpinWait();
        }
        long free = System.nanoTime();
        return await("complete").contains("\"cancelled\"") ? millis(start, free) : 0;
    }

    private boolean isAtWork() throws IOException, InterruptedException {
        HttpResponse<String> slots = http.send(
                HttpRequest.newBuilder(server.resolve("/slots"))
                        .header("Authorization", "Bearer " + key)
                        .build(),
                BodyHandlers.ofString());
        requireOk(slots);
        return slots.body().contains("\"is_processing\":true");
    }

    private static void requireOk(HttpResponse<?> response) throws IOException {
        if (response.statusCode() != 200) {
            throw new IOException("llama-server answered " + response.statusCode());
        }
    }

    private void say(String message) {
        flux.sendText(message, true).join();
    }

    /** The next frame of that type; those before it are passed over. */
    private String await(String type) throws IOException, InterruptedException {
        while (true) {
            String frame = frames.poll(30, TimeUnit.SECONDS);
            if (frame == null) {
                throw new IOException("Flux sent no " + type);
            }
            if (frame.contains("\"type\":\"error\"") && !frame.contains("already_finished")) {
                throw new IOException("Flux answered " + frame);
            }
            if (frame.contains("\"type\":\"" + type + "\"")) {
                return frame;
            }
        }
    }

    private static double millis(long start, long end) {
        return (end - start) / 1e6;
    }
}
