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
 * Time to first token through Flux and from the same llama-server directly, in turns, one request at a time. The clock
 * runs from before the request is sent until its first text is in this program's hands. The client of Flux keeps its
 * connection; llama-server closes one that has carried a stream, so each request to it makes one, as Flux's do. Run by
 * {@code engine} beside it.
 *
 * <p>Arguments: Flux's WebSocket address, the server's address and key, how many rounds to count, how many to warm up.
 */
final class FirstToken {
    private static final String CONTENT = "\"content\":\"";

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
    private final URI server;
    private final String key;
    private final WebSocket flux;

    private FirstToken(String flux, String server, String key) {
        this.server = URI.create(server + "/v1/chat/completions");
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
        FirstToken bench = new FirstToken(args[0], args[1], args[2]);
        int rounds = Integer.parseInt(args[3]);
        int warmup = Integer.parseInt(args[4]);
        double[] direct = new double[rounds];
        double[] through = new double[rounds];
        for (int round = -warmup; round < rounds; round++) {
            // No prompt comes twice: the server keeps what it has read.
            String first = "Write me a poem about the number " + (2 * (round + warmup));
            String second = "Write me a poem about the number " + (2 * (round + warmup) + 1);
            boolean swapped = round % 2 != 0;
            double a = swapped ? bench.askFlux(first) : bench.askServer(first);
            double b = swapped ? bench.askServer(second) : bench.askFlux(second);
            if (round >= 0) {
                direct[round] = swapped ? b : a;
                through[round] = swapped ? a : b;
            }
        }
        Arrays.sort(direct);
        Arrays.sort(through);
        System.out.printf(Locale.ROOT, "%-24s %8s %8s %8s %8s   (ms, %d requests each)%n", "", "p50", "p90", "p99", "max", rounds);
        print("llama-server directly", direct);
        print("through Flux", through);
        System.out.printf(
                Locale.ROOT,
                "%-24s %8.2f %8.2f %8.2f%n",
                "Flux adds",
                at(through, 50) - at(direct, 50),
                at(through, 90) - at(direct, 90),
                at(through, 99) - at(direct, 99));
        System.exit(0);
    }

    private static void print(String name, double[] sorted) {
        System.out.printf(
                Locale.ROOT,
                "%-24s %8.2f %8.2f %8.2f %8.2f%n",
                name,
                at(sorted, 50),
                at(sorted, 90),
                at(sorted, 99),
                sorted[sorted.length - 1]);
    }

    private static double at(double[] sorted, int percent) {
        return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
    }

    /** Asks the server as a chat client does, and reads the answer to its end. */
    private double askServer(String prompt) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(server)
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + key)
                .header("Connection", "close")
                .POST(BodyPublishers.ofString("{\"stream\":true,\"max_tokens\":8,\"temperature\":0,"
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}"))
                .build();
        long start = System.nanoTime();
        long first = 0;
        HttpResponse<Stream<String>> response = http.send(request, BodyHandlers.ofLines());
        if (response.statusCode() != 200) {
            throw new IOException("llama-server answered " + response.statusCode());
        }
        for (Iterator<String> lines = response.body().iterator(); lines.hasNext(); ) {
            if (lines.next().contains(CONTENT) && first == 0) {
                first = System.nanoTime();
            }
        }
        return millis(start, first);
    }

    /** Asks Flux, and reads the answer to its end. */
    private double askFlux(String prompt) throws IOException, InterruptedException {
        String message = "{\"max_tokens\":8,\"temperature\":0,\"prompt\":\"" + prompt + "\"}";
        long start = System.nanoTime();
        long first = 0;
        flux.sendText(message, true).join();
        while (true) {
            String frame = frames.poll(30, TimeUnit.SECONDS);
            if (frame == null || frame.contains("\"type\":\"error\"")) {
                throw new IOException("Flux answered " + frame);
            }
            if (first == 0 && frame.contains("\"type\":\"token\"")) {
                first = System.nanoTime();
            }
            if (frame.contains("\"type\":\"complete\"")) {
                return millis(start, first);
            }
        }
    }

    private static double millis(long start, long first) throws IOException {
        if (first == 0) {
            throw new IOException("an answer without text");
        }
        return (first - start) / 1e6;
    }
}
