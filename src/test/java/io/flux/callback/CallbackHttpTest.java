package io.flux.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Receivers that mean no good, on real sockets. */
@Timeout(60)
class CallbackHttpTest {
    private static final Duration SOON = Duration.ofMillis(500);
    private static final Duration NEVER = Duration.ofHours(1);

    private final List<Socket> accepted = new CopyOnWriteArrayList<>();
    private ServerSocket server;

    /** What a receiver does with a connection. */
    private interface Behaviour {
        void serve(InputStream in, OutputStream out) throws Exception;
    }

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void close() throws IOException {
        server.close();
        for (Socket socket : accepted) {
            socket.close();
        }
    }

    private void receive(Behaviour behaviour) {
        Thread receiver = new Thread(() -> {
            while (true) {
                try {
                    Socket socket = server.accept();
                    accepted.add(socket);
                    behaviour.serve(socket.getInputStream(), socket.getOutputStream());
                } catch (Exception e) {
                    if (server.isClosed()) {
                        return;
                    }
                }
            }
        });
        receiver.setDaemon(true);
        receiver.start();
    }

    private static void drip(OutputStream out, String text) throws Exception {
        for (byte each : text.getBytes(StandardCharsets.US_ASCII)) {
            out.write(each);
            out.flush();
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private int post(String scheme, Duration deadline, int bytes) throws IOException {
        return post(scheme, deadline, bytes, true);
    }

    private int post(String scheme, Duration deadline, int bytes, boolean anywhere) throws IOException {
        try (CallbackHttp http = new CallbackHttp(new CallbackTargets(anywhere, true), deadline)) {
            HttpClientBuilder builder = HttpClientBuilder.create();
            http.configureHttpClient(builder);
            try (CloseableHttpClient client = builder.build()) {
                HttpPost request = new HttpPost(scheme + "://127.0.0.1:" + server.getLocalPort() + "/");
                request.setEntity(new ByteArrayEntity(new byte[bytes], null));
                return client.execute(request, response -> response.getCode());
            }
        }
    }

    @Test
    void aHeadThatDripsIsWaitedForUntilTheDeadlineOfTheWholePosting() {
        receive((in, out) -> drip(out, "HTTP/1.1 200 OK\r\n" + "X-Slow: slow\r\n".repeat(10_000)));
        assertThatThrownBy(() -> post("http", SOON, 10)).hasMessage("no answer within 500 ms");
    }

    @Test
    void interimAnswersWithoutEndAreToo() {
        receive((in, out) -> {
            while (true) {
                drip(out, "HTTP/1.1 103 Early Hints\r\n\r\n");
            }
        });
        assertThatThrownBy(() -> post("http", SOON, 10)).hasMessage("no answer within 500 ms");
    }

    @Test
    void aHandshakeThatDripsIsToo() {
        receive((in, out) -> {
            out.write(new byte[] {0x16, 3, 3, 0x40, 0});
            drip(out, "\2".repeat(10_000));
        });
        assertThatThrownBy(() -> post("https", SOON, 10)).hasMessage("no answer within 500 ms");
    }

    @Test
    void aReceiverThatReadsNothingIsToo() {
        receive((in, out) -> {
            // The socket stays open.
        });
        assertThatThrownBy(() -> post("http", SOON, 32 * 1024 * 1024)).hasMessage("no answer within 500 ms");
    }

    @Test
    void aHeadWithoutEndIsNotKeptInMemory() {
        byte[] part = "a".repeat(64 * 1024).getBytes(StandardCharsets.US_ASCII);
        receive((in, out) -> {
            out.write("HTTP/1.1 200 OK\r\nX-Long: ".getBytes(StandardCharsets.US_ASCII));
            while (true) {
                out.write(part);
            }
        });
        assertThatThrownBy(() -> post("http", NEVER, 10)).hasMessageContaining("Maximum line length");
    }

    @Test
    void theBodyOfAnAnswerIsNotRead() throws IOException {
        byte[] part = new byte[64 * 1024];
        receive((in, out) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            while (true) {
                out.write(part);
            }
        });
        assertThat(post("http", NEVER, 10)).isEqualTo(200);
    }

    @Test
    void aRedirectIsAnAnswerAndNotFollowed() throws IOException {
        receive((in, out) -> {
            out.write(("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:" + server.getLocalPort()
                            + "/elsewhere\r\nContent-Length: 0\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            out.flush();
        });
        assertThat(post("http", NEVER, 10)).isEqualTo(307);
        assertThat(accepted).hasSize(1);
    }

    @Test
    void anAddressInFluxsOwnNetworkIsNotConnectedTo() {
        receive((in, out) -> out.write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
        assertThatThrownBy(() -> post("http", NEVER, 10, false))
                .isInstanceOf(CallbackTargets.PrivateAddressException.class);
        assertThat(accepted).isEmpty();
    }

    @Test
    void aNameServerThatTakesItsTimeIsNotWaitedFor() {
        NameLookup names = new NameLookup(
                new org.apache.hc.client5.http.SystemDefaultDnsResolver() {
                    @Override
                    public InetAddress[] resolve(String host) {
                        try {
                            new CountDownLatch(1).await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        return new InetAddress[0];
                    }
                },
                Duration.ofSeconds(1));
        assertThatThrownBy(() -> names.resolve("slow.example"))
                .isInstanceOf(java.net.UnknownHostException.class)
                .hasMessage("slow.example was not found within 1 s");
    }
}
