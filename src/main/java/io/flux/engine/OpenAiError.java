package io.flux.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What a server says about why it does not answer. The servers that speak OpenAI's API agree on the place of the words,
 * {@code {"error": {"message", "type", "param", "code"}}}, more or less: some leave {@code error} out, or put the words
 * there, and proxies before them send pages.
 *
 * @param message its words in one line, shortened; empty when there are none
 * @param kinds what {@code type} and {@code code} say, in lower case
 * @param param the parameter that it blames; empty when it names none
 * @param tokens the tokens of the prompt, 0 when it does not say
 * @param context how many it takes, 0 when it does not say
 */
record OpenAiError(String message, String kinds, String param, int tokens, int context) {
    private static final int SHOWN = 300;

    static OpenAiError parse(ObjectMapper mapper, String body) {
        try {
            JsonNode root = mapper.readTree(body);
            if (root != null && root.isObject()) {
                return of(root);
            }
        } catch (JsonProcessingException page) {
            return new OpenAiError(body.contains("<") ? "" : line(body), "", "", 0, 0);
        }
        return new OpenAiError(line(body), "", "", 0, 0);
    }

    /** @param root an object that is, or holds, an error */
    static OpenAiError of(JsonNode root) {
        JsonNode error = root.path("error").isObject() ? root.path("error") : root;
        String words = Stream.of(error.path("message"), root.path("error"), root.path("detail"), root.path("message"))
                .filter(node -> !node.isMissingNode() && !node.isNull() && !node.isObject())
                .map(node -> node.isTextual() ? node.asText() : node.toString())
                .findFirst()
                .orElse("");
        return new OpenAiError(
                line(words),
                (error.path("type").asText("") + " " + error.path("code").asText("")).toLowerCase(Locale.ROOT),
                error.path("param").asText(""),
                error.path("n_prompt_tokens").asInt(0),
                error.path("n_ctx").asInt(0));
    }

    /** Whether the prompt is longer than the model's context. */
    boolean isTooLong() {
        return kinds.contains("context_length_exceeded")
                || kinds.contains("exceed_context_size_error")
                || (says("maximum context length") && !param.equals("max_tokens") && !says("max_tokens"));
    }

    /** Whether the server does not have the model. */
    boolean isUnknownModel() {
        return kinds.contains("model_not_found") || param.equals("model");
    }

    /** Whether the server does not like what is said in the conversation. */
    boolean isModerated() {
        return kinds.contains("content_filter")
                || kinds.contains("content_policy")
                || says("moderation")
                || says("content policy");
    }

    boolean says(String words) {
        return message.toLowerCase(Locale.ROOT).contains(words);
    }

    private static String line(String text) {
        String line = text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
        return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + " …";
    }
}
