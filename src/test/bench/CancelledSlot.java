import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * From a client's cancel to a free slot of llama-server: how long after the cancel was sent {@code GET /slots} says for the
 * first time that no slot is at work, the time of that request included. Run by {@code engine} beside it.
 *
 * <p>Arguments: Flux's WebSocket address, the server's address and key, how many cancels to count, how many to warm up.
 */
final class CancelledSlot {
    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
    private final URL slots;
    private final String key;
    private final WebSocket flux;

    private CancelledSlot(String flux, String server, String key) throws IOException {
        this.slots = URI.create(server + "/slots").toURL();
        this.key = key;
        this.flux = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(URI.create(flux), new Frames())
                .join();
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
        CancelledSlot bench = new CancelledSlot(args[0], args[1], args[2]);
        int rounds = Integer.parseInt(args[3]);
        int warmup = Integer.parseInt(args[4]);
        double[] freed = new double[rounds];
        for (int round = 0; round < rounds; ) {
            // 0 when the answer had ended before the cancel came: that round is not one.
            double millis = bench.cancel("cancel-" + round + "-" + System.nanoTime());
            if (millis > 0 && warmup-- <= 0) {
                freed[round++] = millis;
            }
        }
        Arrays.sort(freed);
        System.out.printf(
                Locale.ROOT,
                "cancel sent to slot free: p50 %.2f, p90 %.2f, p99 %.2f, max %.2f ms (%d cancels)%n",
                freed[rounds * 50 / 100],
                freed[rounds * 90 / 100],
                freed[rounds * 99 / 100],
                freed[rounds - 1],
                rounds);
        System.exit(0);
    }

    private double cancel(String id) throws IOException, InterruptedException {
        flux.sendText("{\"request_id\":\"" + id + "\",\"max_tokens\":480,\"prompt\":\"Tell me a bedtime story\"}", true)
                .join();
        await("\"type\":\"token\"");
        long start = System.nanoTime();
        flux.sendText("{\"type\":\"cancel\",\"request_id\":\"" + id + "\"}", true).join();
        while (isAtWork()) {
            Thread.onSpinWait();
        }
        double millis = (System.nanoTime() - start) / 1e6;
        return await("\"type\":\"complete\"").contains("\"cancelled\"") ? millis : 0;
    }

    private String await(String part) throws IOException, InterruptedException {
        while (true) {
            String frame = frames.poll(30, TimeUnit.SECONDS);
            if (frame == null) {
                throw new IOException("Flux sent nothing with " + part);
            }
            if (frame.contains("\"type\":\"error\"") && !frame.contains("already_finished")) {
                throw new IOException("Flux answered " + frame);
            }
            if (frame.contains(part)) {
                return frame;
            }
        }
    }

    private boolean isAtWork() throws IOException {
        HttpURLConnection connection = (HttpURLConnection) slots.openConnection();
        connection.setRequestProperty("Authorization", "Bearer " + key);
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).contains("\"is_processing\":true");
        }
    }
}
