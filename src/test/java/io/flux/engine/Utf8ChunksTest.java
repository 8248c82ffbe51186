package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class Utf8ChunksTest {
    private static final String TEXT = "Salt — é 🌙👩‍🚀 漢字 \uD83C\uDF0A.";

    @Test
    void aTextCutAtEachByteComesOutWholeAndInWholeCharacters() throws IOException {
        byte[] bytes = TEXT.getBytes(StandardCharsets.UTF_8);
        for (int cut = 0; cut <= bytes.length; cut++) {
            List<String> chunks = readAll(new Dripping(bytes, cut, bytes.length - cut));
            assertThat(String.join("", chunks)).as("cut at %d", cut).isEqualTo(TEXT);
            assertThat(chunks).allSatisfy(Utf8ChunksTest::isOfWholeCharacters);
        }
    }

    @Test
    void aTextThatComesByteByByteIsHandedOutWithEachCompletedCharacter() throws IOException {
        byte[] bytes = "a🌙b".getBytes(StandardCharsets.UTF_8);
        assertThat(readAll(new Dripping(bytes, 1, 1, 1, 1, 1, 1))).containsExactly("a", "", "", "", "🌙", "b", "");
    }

    @Property
    void anyBytesCutAnywhereDecodeAsTheyDoInOnePiece(@ForAll @Size(max = 300) byte[] bytes, @ForAll long seed)
            throws IOException {
        List<String> chunks = readAll(new Dripping(bytes, sizes(bytes.length, seed)));
        assertThat(String.join("", chunks)).isEqualTo(new String(bytes, StandardCharsets.UTF_8));
        assertThat(chunks).allSatisfy(Utf8ChunksTest::isOfWholeCharacters);
    }

    @Property
    void anyTextCutAtAnyBytesComesOutAsItIs(@ForAll String any, @ForAll long seed) throws IOException {
        String text = new String(any.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        assertThat(String.join("", readAll(new Dripping(bytes, sizes(bytes.length, seed)))))
                .isEqualTo(text);
    }

    @Test
    void bytesThatAreNotUtf8BecomeReplacementCharactersAndTheRestGoesOn() throws IOException {
        byte[] bytes = {'a', (byte) 0xFF, 'b', (byte) 0xC3, (byte) '\n', (byte) 0xF0, (byte) 0x9F};
        assertThat(String.join("", readAll(new Dripping(bytes, 1, 1, 1, 1, 1, 1, 1))))
                .isEqualTo("a\uFFFDb\uFFFD\n\uFFFD");
    }

    @Test
    void moreThanABufferfulAtOnceComesOutWhole() throws IOException {
        String text = TEXT.repeat(20_000);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        assertThat(String.join("", readAll(new ByteArrayInputStream(bytes)))).isEqualTo(text);
    }

    private static List<String> readAll(InputStream in) throws IOException {
        Utf8Chunks chunks = new Utf8Chunks(in);
        List<String> all = new ArrayList<>();
        for (String chunk = chunks.read(); chunk != null; chunk = chunks.read()) {
            all.add(chunk);
        }
        all.add(chunks.rest());
        return all;
    }

    private static void isOfWholeCharacters(String chunk) {
        assertThat(chunk.codePoints().noneMatch(point -> Character.getType(point) == Character.SURROGATE))
                .isTrue();
    }

    private static int[] sizes(int length, long seed) {
        Random random = new Random(seed);
        return random.ints(length + 1, 1, 7).toArray();
    }

    /** Gives as many bytes per read as was said. */
    private static final class Dripping extends InputStream {
        private final byte[] bytes;
        private final int[] sizes;
        private int at;
        private int reads;

        Dripping(byte[] bytes, int... sizes) {
            this.bytes = bytes;
            this.sizes = sizes;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("one byte at a time would be slow");
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            while (reads < sizes.length && sizes[reads] == 0) {
                reads++;
            }
            if (at == bytes.length) {
                return -1;
            }
            int count = Math.min(length, Math.min(bytes.length - at, sizes[reads++]));
            System.arraycopy(bytes, at, target, offset, count);
            at += count;
            return count;
        }
    }
}
