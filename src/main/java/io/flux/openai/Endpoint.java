package io.flux.openai;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The two endpoints that complete something, and where their answers differ. */
enum Endpoint {
    /** {@code /v1/chat/completions}. */
    CHAT("chatcmpl-", "chat.completion", "chat.completion.chunk") {
        @Override
        void putText(ObjectNode choice, String text) {
            choice.putObject("message")
                    .put("role", "assistant")
                    .put("content", text)
                    .putNull("refusal");
        }

        @Override
        void appendFirst(StringBuilder choice) {
            choice.append("\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
        }

        @Override
        void appendText(StringBuilder choice, String text) {
            choice.append("\"delta\":{\"content\":\"");
            JsonStringEncoder.getInstance().quoteAsString(text, choice);
            choice.append("\"}");
        }

        @Override
        void appendLast(StringBuilder choice) {
            choice.append("\"delta\":{}");
        }
    },

    /** {@code /v1/completions}. */
    COMPLETION("cmpl-", "text_completion", "text_completion") {
        @Override
        void putText(ObjectNode choice, String text) {
            choice.put("text", text);
        }

        @Override
        void appendFirst(StringBuilder choice) {
            appendText(choice, "");
        }

        @Override
        void appendText(StringBuilder choice, String text) {
            choice.append("\"text\":\"");
            JsonStringEncoder.getInstance().quoteAsString(text, choice);
            choice.append('"');
        }

        @Override
        void appendLast(StringBuilder choice) {
            appendText(choice, "");
        }
    };

    private final String idPrefix;
    private final String whole;
    private final String chunk;

    Endpoint(String idPrefix, String whole, String chunk) {
        this.idPrefix = idPrefix;
        this.whole = whole;
        this.chunk = chunk;
    }

    /** What a job is called there. */
    String id(String requestId) {
        return idPrefix + requestId;
    }

    /** What a whole answer says that it is. */
    String whole() {
        return whole;
    }

    /** What a piece of an answer says that it is. */
    String chunk() {
        return chunk;
    }

    /** The answer's text, in a whole answer's choice. */
    abstract void putText(ObjectNode choice, String text);

    /** What a stream begins with, in a chunk's choice. */
    abstract void appendFirst(StringBuilder choice);

    /** A piece of the text, in a chunk's choice. */
    abstract void appendText(StringBuilder choice, String text);

    /** No more text, in a chunk's choice. */
    abstract void appendLast(StringBuilder choice);
}
