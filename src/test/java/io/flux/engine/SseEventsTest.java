package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SseEventsTest {
    private static final String STREAM =
            """
            : ping

            event: message
            id: 1
            data: {"content":"Salt 🌊"}

            data:no space
            data:  two lines, one space kept

            data

            retry: 5
            nonsense

            data: [DONE]

            data: cut off""";

    private static final List<String> EVENTS =
            List.of("{\"content\":\"Salt 🌊\"}", "no space\n two lines, one space kept", "", "[DONE]");

    @Test
    void eventsDoNotDependOnHowTheTextWasCut() throws IOException {
        for (String newline : List.of("\n", "\r\n", "\r")) {
            String text = STREAM.replace("\n", newline);
            for (int cut = 0; cut <= text.length(); cut++) {
                SseEvents events = new SseEvents();
                List<String> got = new ArrayList<>(events.accept(text.substring(0, cut)));
                got.addAll(events.accept(text.substring(cut)));
                assertThat(got).as("cut at %d", cut).isEqualTo(EVENTS);
            }
            for (long seed = 0; seed < 50; seed++) {
                SseEvents events = new SseEvents();
                List<String> got = new ArrayList<>();
                for (String piece : Pieces.of(text, seed)) {
                    got.addAll(events.accept(piece));
                }
                assertThat(got).as("seed %d", seed).isEqualTo(EVENTS);
            }
        }
    }

    @Test
    void bytesMayBeCutInACharacter() throws IOException {
        byte[] bytes = STREAM.getBytes(StandardCharsets.UTF_8);
        for (int cut = 1; cut < bytes.length; cut++) {
            InputStream in = new SequenceInputStream(
                    new ByteArrayInputStream(Arrays.copyOfRange(bytes, 0, cut)),
                    new ByteArrayInputStream(Arrays.copyOfRange(bytes, cut, bytes.length)));
            Utf8Chunks chunks = new Utf8Chunks(in);
            SseEvents events = new SseEvents();
            List<String> got = new ArrayList<>();
            for (String chunk = chunks.read(); chunk != null; chunk = chunks.read()) {
                got.addAll(events.accept(chunk));
            }
            assertThat(got).as("cut at byte %d", cut).isEqualTo(EVENTS);
        }
    }

    @Test
    void aByteOrderMarkIsNotData() throws IOException {
        assertThat(new SseEvents().accept("\uFEFFdata: a\n\n")).containsExactly("a");
        assertThat(new SseEvents().accept("data: \uFEFFa\n\n")).containsExactly("\uFEFFa");
    }

    @Test
    void aLineThatNeverEndsIsRefused() throws IOException {
        SseEvents events = new SseEvents();
        String much = "x".repeat(8 * 1024 * 1024);
        events.accept("data: ");
        events.accept(much);
        assertThatThrownBy(() -> events.accept(much)).isInstanceOf(IOException.class);
    }
}
