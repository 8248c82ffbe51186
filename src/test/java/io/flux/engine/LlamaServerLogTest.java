package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LlamaServerLogTest {
    private final LlamaServerLog log = new LlamaServerLog();

    @Test
    void itSaysWhereItListens() {
        read("0.00.056.056 I srv  llama_server: listening on http://127.0.0.1:43949\n");
        assertThat(log.port()).isEqualTo(43949);
    }

    @Test
    void olderBuildsSayItWithMoreWords() {
        read("main: server is listening on http://127.0.0.1:8080 - starting the main loop\n");
        assertThat(log.port()).isEqualTo(8080);
    }

    @Test
    void ofAStartsErrorsTheFirstIsTheCause() {
        read(
                """
                0.00.013.465 I srv    load_model: loading model 'bad.gguf'
                0.00.013.593 E gguf_init_from_reader: failed to read header
                0.00.013.862 E srv    load_model: failed to load model, 'bad.gguf'
                """);
        assertThat(log.error()).isEqualTo("gguf_init_from_reader: failed to read header");
        assertThat(log.tail()).endsWith("'bad.gguf'\n");
    }

    @Test
    void afterItsStartTheLastErrorIs() {
        read("0.00.000.001 E srv    load_model: something\n");
        log.ready();
        assertThat(log.error()).isNull();
        read("9.00.000.001 E first\n9.00.000.002 E srv  update_slots: out of memory\n");
        assertThat(log.error()).isEqualTo("update_slots: out of memory");
    }

    @Test
    void aWrongArgumentIsAnErrorToo() {
        read("error while handling argument \"-c\": stoi\n\nusage:\n");
        assertThat(log.error()).isEqualTo("error while handling argument \"-c\": stoi");
    }

    private void read(String text) {
        log.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), "default");
    }
}
