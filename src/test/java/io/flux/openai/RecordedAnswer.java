package io.flux.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.gateway.HttpAnswer;
import java.util.Map;

/** What a client of HTTP was sent. */
final class RecordedAnswer implements HttpAnswer {
    int status;
    Map<String, String> headers = Map.of();
    boolean ended;
    private final StringBuilder body = new StringBuilder();

    String body() {
        return body.toString();
    }

    @Override
    public boolean hasHead() {
        return status != 0;
    }

    @Override
    public void head(int code, Map<String, String> fields) {
        assertThat(hasHead()).as("one head only").isFalse();
        status = code;
        headers = fields;
    }

    @Override
    public void whole(int code, Map<String, String> fields, String text) {
        head(code, fields);
        write(text);
        end();
    }

    @Override
    public void write(String text) {
        assertThat(hasHead()).isTrue();
        assertThat(ended).isFalse();
        body.append(text);
    }

    @Override
    public void end() {
        assertThat(ended).isFalse();
        ended = true;
    }

    @Override
    public void cut() {
        end();
    }
}
