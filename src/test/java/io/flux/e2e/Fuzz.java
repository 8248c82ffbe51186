package io.flux.e2e;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/** Makes requests that nobody should send; the same ones for the same seed. Not thread-safe. */
final class Fuzz {
    private static final List<String> MESSAGES = List.of(
            "{\"prompt\":\"x\",\"max_tokens\":4}",
            "{\"type\":\"generate\",\"request_id\":\"fuzz-ID\",\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
                    + "\"temperature\":0.7,\"top_p\":0.9,\"top_k\":40,\"min_p\":0.1,\"seed\":7,\"stop\":[\"a\"],\"timeout_ms\":60000,"
                    + "\"on_disconnect\":\"cancel\",\"priority\":\"low\"}",
            "{\"prompt\":\"x\",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"object\"}}}}",
            "{\"prompt\":\"x\",\"grammar\":\"root ::= \\\"a\\\"\",\"callback_url\":\"http://127.0.0.1:1/\",\"raw\":true,\"stream\":true}",
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"stream\":true,"
                    + "\"stream_options\":{\"include_usage\":true},\"max_completion_tokens\":3,\"n\":1,\"tools\":[]}",
            "{\"type\":\"cancel\",\"request_id\":\"fuzz-ID\"}",
            "{\"type\":\"resume\",\"request_id\":\"fuzz-ID\",\"after\":1}",
            "{\"type\":\"models\",\"request_id\":\"fuzz-ID\"}");

    private static final List<String> VALUES = List.of(
            "1e999",
            "-1e999",
            "1e-999",
            "1e2147483647",
            "-0",
            "0.0000001",
            "9223372036854775808",
            "-9223372036854775809",
            "1" + "0".repeat(1100),
            "NaN",
            "0x1F",
            "01",
            "+1",
            "null",
            "true",
            "{}",
            "[]",
            "[null]",
            "\"\"",
            "\" \"",
            "\"null\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\r\\nX-Y: z\"",
            "\"${header.x} ${bean:hub} {{flux.redis-url}}\"",
            "\"../../../etc/passwd\"",
            "\"'quoted'\"",
            "\"a b*?#[]()\"",
            "\"" + "x".repeat(70_000) + "\"",
            "[".repeat(5_000),
            "[".repeat(990) + "]".repeat(990),
            "{\"a\":".repeat(900) + "1" + "}".repeat(900));

    private static final List<String> IDS = List.of(
            "nobody",
            "fuzz-1",
            "null",
            "true",
            "0",
            "-1",
            "a@b",
            ".",
            "..",
            "%2e%2e",
            "%2F",
            "%00",
            "%0d%0aX:y",
            "%zz",
            "%",
            "%C3%28",
            "%F0%9F%92%A5",
            "'x'",
            "%22x%22",
            "${body}",
            "*",
            "x".repeat(129),
            "x".repeat(3000),
            "a;b=c",
            "a,b",
            "%7B%7Bflux.port%7D%7D");

    private static final List<String> PATHS = List.of(
            "/v1/jobs",
            "/v1/jobs",
            "/v1/jobs/ID",
            "/v1/jobs/ID",
            "/v1/jobs/ID/events",
            "/v1/jobs/ID/events",
            "/api/generate",
            "/api/generate",
            "/v1/chat/completions",
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/completions",
            "/v1/models",
            "/v1/models/ID",
            "/models",
            "/queue/status",
            "/queue/jobs",
            "/queue/jobs/ID",
            "/queue/dead",
            "/queue/dead/ID",
            "/queue/dead/ID/replay",
            "/queue/callbacks",
            "/queue/callbacks/ID",
            "/queue/callbacks/ID/replay",
            "/health",
            "/metrics",
            "/openapi.json",
            "/ws/generate",
            "/",
            "/ID",
            "/v1/ID",
            "/v1//jobs",
            "//",
            "/../x",
            "/v1/jobs/ID/ID",
            "/index.html/ID",
            "/%2e%2e/ID");

    private static final List<String> QUERIES = List.of(
            "after=1",
            "after=-1",
            "after=x",
            "after=99999999999999999999",
            "after=",
            "after=1&after=2",
            "CamelHttpUri=x",
            "%43amelExecCommandExecutable=id",
            "org.apache.camel.x=1",
            "FluxRequestId=x",
            "id=other",
            "key=x",
            "a=%zz",
            "%",
            "&&=",
            "a=b&".repeat(600),
            "%5D=1",
            "%C3%82=x",
            "Set-Cookie=x",
            "%00=%0a",
            "limit=null",
            "model=%F0%9F%92%A5");

    private static final List<String> HEADERS = List.of(
            "Last-Event-ID: 1",
            "Last-Event-ID: -1",
            "Last-Event-ID: x",
            "Last-Event-ID: 99999999999999999999",
            "Last-Event-ID:",
            "Idempotency-Key: fuzz-1",
            "Idempotency-Key: a b",
            "Idempotency-Key: ${body}",
            "Idempotency-Key: null",
            "Idempotency-Key: 'x'",
            "Idempotency-Key:",
            "CamelHttpResponseCode: 599",
            "CamelHttpUri: http://127.0.0.1:1/",
            "CamelBeanMethodName: close",
            "CamelRedis.Key: flux:gone",
            "CamelVertxWebsocket.sendToAll: true",
            "FluxRequestId: x",
            "Content-Type: application/x-www-form-urlencoded",
            "Content-Type: multipart/form-data; boundary=x",
            "Content-Type: multipart/form-data",
            "Content-Type: ;;;",
            "Content-Type: text/plain; charset=utf-99",
            "Content-Encoding: gzip",
            "Content-Encoding: deflate",
            "Content-Encoding: br",
            "Expect: something",
            "Host: elsewhere.example",
            "Accept-Encoding: gzip",
            "Accept: text/event-stream",
            "Accept: ;q=x",
            "Origin: null",
            "Origin: https://elsewhere.example",
            "Origin: ::",
            "Expect: 100-continue",
            "Cookie: a=b; c",
            "Cookie: \u0001=\"",
            "X-Long: " + "y".repeat(4_000),
            "X-Forwarded-For: 1.2.3.4",
            "Range: bytes=5-1",
            "Sec-WebSocket-Protocol: flux.key.x,,");

    private static final List<String> METHODS = List.of(
            "GET", "GET", "GET", "GET", "POST", "POST", "POST", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD",
            "TRACE", "FOO", "get");

    /** What no HTTP server should be sent. */
    private static final List<String> BROKEN = List.of(
            "",
            "\r\n\r\n\r\n",
            "GET\r\n\r\n",
            "GET / \r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\n",
            "GET /health HTTP/1.1\r\nHost\r\n\r\n",
            "GET /health HTTP/1.1\r\n : x\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: a\r\nX\u0000Y: z\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
            "GET /" + "a".repeat(9_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(20_000) + "\r\n\r\n",
            "GET http://elsewhere.example/health HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n{}",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{\"prompt\":",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "POST /api/generate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            "POST /api/generate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"pro",
            "POST /api/generate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n{\"pro",
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5) + "GET /he",
            "GET /health HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAA\r\n\r\n",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000004\r\n{}\r\n0\r\n\r\nGET /health HTTP/1.1\r\n",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"\r\n\r\n{}\r\n0\r\n\r\n",
            "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "POST /v1/jobs HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004",
            "GET /ws/generate HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "GET /ws/generate HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n"
                    + "Sec-WebSocket-Version: 99\r\n\r\n",
            "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003");

    private final Random random;

    Fuzz(long seed) {
        this.random = new Random(seed);
    }

    /** True so often in a hundred. */
    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    private <T> T any(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    byte[] bytes(int most) {
        byte[] bytes = new byte[random.nextInt(most + 1)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** A message: a good one, or one that was, or nothing of the kind. */
    byte[] message() {
        if (chance(5)) {
            return bytes(300);
        }
        String message = any(MESSAGES).replace("fuzz-ID", "fuzz-" + random.nextInt(50));
        for (int changes = random.nextInt(4); changes > 0; changes--) {
            message = changed(message);
        }
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        if (chance(10) && bytes.length > 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }

    private String changed(String message) {
        int at = random.nextInt(message.length() + 1);
        return switch (random.nextInt(6)) {
            case 0 -> message.substring(0, at);
            case 1 -> message.substring(0, at) + any(VALUES) + message.substring(at);
            case 2 ->
                message.substring(0, at) + message.substring(Math.min(message.length(), at + 1 + random.nextInt(5)));
            case 3 -> message + message.substring(at);
            default -> valued(message, at);
        };
    }

    /** The value that follows is another. */
    private String valued(String message, int from) {
        int colon = message.indexOf(':', from);
        if (colon < 0) {
            return message;
        }
        int end = colon + 1;
        while (end < message.length() && ",}]".indexOf(message.charAt(end)) < 0) {
            end++;
        }
        return message.substring(0, colon + 1) + any(VALUES) + message.substring(end);
    }

    /**
     * A request that is well-formed as HTTP goes, and after which the server is to close the connection.
     *
     * @param method in capitals, unless that is what is odd about it
     * @param path without the query
     */
    record Request(String method, String path, byte[] bytes) {
        @Override
        public String toString() {
            return new String(bytes, 0, Math.min(bytes.length, 1_500), StandardCharsets.ISO_8859_1);
        }
    }

    /** @param keys of Flux's */
    Request request(List<String> keys) {
        String method = any(METHODS);
        String path = any(PATHS).replace("ID", any(IDS));
        StringBuilder head = new StringBuilder(method).append(' ').append(path);
        if (chance(20)) {
            head.append('?').append(any(QUERIES));
        }
        head.append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
        head.append(authorization(keys));
        for (int more = random.nextInt(3); more > 0; more--) {
            head.append(any(HEADERS)).append("\r\n");
        }
        boolean hasBody = method.toUpperCase(Locale.ROOT).startsWith("P") || chance(10);
        byte[] body =
                !hasBody ? new byte[0] : chance(1) ? "x".repeat(300_000).getBytes(StandardCharsets.UTF_8) : message();
        if (hasBody && chance(20)) {
            head.append("Transfer-Encoding: chunked\r\n\r\n")
                    .append(Integer.toHexString(body.length))
                    .append("\r\n");
            return new Request(method, path, body.length == 0 ? join(head, "\r\n") : join(head, body, "\r\n0\r\n\r\n"));
        }
        if (hasBody) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        return new Request(method, path, join(head.append("\r\n"), body, ""));
    }

    private String authorization(List<String> keys) {
        if (chance(80)) {
            return "Authorization: Bearer " + any(keys) + "\r\n";
        }
        return any(List.of(
                "",
                "Authorization:\r\n",
                "Authorization: Bearer\r\n",
                "Authorization: Bearer \r\n",
                "Authorization: Basic eDp5\r\n",
                "Authorization: Bearer " + "k".repeat(5_000) + "\r\n",
                "Authorization: bearer ${body}\r\n",
                "Sec-WebSocket-Protocol: flux.key.\r\n"));
    }

    private static byte[] join(CharSequence head, String tail) {
        return join(head, new byte[0], tail);
    }

    private static byte[] join(CharSequence head, byte[] body, String tail) {
        byte[] first = head.toString().getBytes(StandardCharsets.ISO_8859_1);
        byte[] last = tail.getBytes(StandardCharsets.ISO_8859_1);
        byte[] all = new byte[first.length + body.length + last.length];
        System.arraycopy(first, 0, all, 0, first.length);
        System.arraycopy(body, 0, all, first.length, body.length);
        System.arraycopy(last, 0, all, first.length + body.length, last.length);
        return all;
    }

    /** What is no HTTP, or stops in its middle. */
    byte[] broken(List<String> keys) {
        return switch (random.nextInt(4)) {
            case 0 -> bytes(600);
            case 1 -> {
                byte[] whole = request(keys).bytes();
                yield Arrays.copyOf(whole, random.nextInt(whole.length));
            }
            default ->
                any(BROKEN)
                        .replace("Host: a\r\n", "Host: a\r\nAuthorization: Bearer " + any(keys) + "\r\n")
                        .getBytes(StandardCharsets.ISO_8859_1);
        };
    }

    /** A file for a folder that is looked at: its name's ending, and what is in it. */
    Map.Entry<String, byte[]> file() {
        return Map.entry(
                any(List.of(".json", ".json", ".txt", ".JSON", ".TXT")), chance(20) ? bytes(2_000) : message());
    }
}
