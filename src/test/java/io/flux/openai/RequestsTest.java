package io.flux.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.ChatMessage;
import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.MessageReader;
import io.flux.job.OnDisconnect;
import io.flux.job.Priority;
import io.flux.job.Refusal;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** OpenAI's words for a request, and Flux's. */
class RequestsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    private final Requests requests = new Requests(
            new MessageReader(JSON, 16 * 1024, () -> "made-id"),
            JSON,
            Clock.fixed(Instant.ofEpochSecond(1_700_000_000), ZoneOffset.UTC),
            () -> 4096);

    @Test
    void everyFieldThatBothHaveIsTaken() throws Exception {
        JobRequest request = chat(
                """
                {"model":"llama","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi"},
                  {"role":"assistant","content":"Hello."},{"role":"user","content":"Why?"}],
                 "max_completion_tokens":12,"temperature":0.5,"top_p":0.9,"seed":7,"stop":["a","b"],
                 "response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,
                   "schema":{"type":"object"}}},
                 "priority":"high","timeout_ms":5000,"top_k":3,"min_p":0.1}""");
        assertThat(request)
                .isEqualTo(new JobRequest(
                        "made-id",
                        "llama",
                        null,
                        List.of(
                                new ChatMessage("system", "Be brief."),
                                new ChatMessage("user", "Hi"),
                                new ChatMessage("assistant", "Hello."),
                                new ChatMessage("user", "Why?")),
                        12,
                        0.5,
                        0.9,
                        3,
                        0.1,
                        7L,
                        List.of("a", "b"),
                        JSON.readTree("{\"type\":\"object\"}"),
                        null,
                        5000L,
                        OnDisconnect.CANCEL,
                        Priority.HIGH,
                        null,
                        false));
    }

    @Test
    void theTextsOfAListOfPartsAreOneText() {
        assertThat(chat("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                                + "{\"type\":\"text\",\"text\":\"b\"}]}]}")
                        .messages())
                .containsExactly(new ChatMessage("user", "a\nb"));
    }

    @Test
    void aCompletionIsOfARawPrompt() {
        for (String prompt : List.of("\"Once\"", "[\"Once\"]")) {
            JobRequest request = requests.completion("{\"prompt\":" + prompt + ",\"max_tokens\":3}", null, "")
                    .message()
                    .request();
            assertThat(request.prompt()).isEqualTo("Once");
            assertThat(request.raw()).isTrue();
            assertThat(request.maxTokens()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0,0",
        "4294967295,4294967295",
        "4294967296,0",
        "-1,4294967295",
        "9223372036854775807,4294967295",
        "-9223372036854775808,0",
        "123456789012345678901234567890,1312754386"
    })
    void aSeedOfAnySizeIsItsLower32Bits(String asked, long seed) {
        assertThat(chat("{" + HI + ",\"seed\":" + asked + "}").seed()).isEqualTo(seed);
    }

    @Test
    void theKeyOfTheHeaderIsTheJobsIdAtItsTenant() {
        assertThat(requests.chat("{" + HI + "}", "my-key", "acme").message().requestId())
                .isEqualTo("my-key@acme");
        Event.Error error = refusal("{" + HI + "}", "no key");
        assertThat(error.field()).isEqualTo("Idempotency-Key");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"n\":1",
                "\"n\":null",
                "\"best_of\":1",
                "\"tools\":null",
                "\"tool_choice\":null",
                "\"functions\":[]",
                "\"function_call\":\"none\"",
                "\"logprobs\":false,\"top_logprobs\":0",
                "\"top_logprobs\":null",
                "\"logit_bias\":null",
                "\"presence_penalty\":null",
                "\"audio\":null",
                "\"modalities\":null",
                "\"web_search_options\":null",
                "\"reasoning_effort\":null",
                "\"verbosity\":\"medium\"",
                "\"store\":null",
                "\"service_tier\":\"default\"",
                "\"stream_options\":{}",
                "\"stream\":false,\"stream_options\":{\"include_usage\":false}",
                "\"seed\":null",
                "\"stop\":[]",
                "\"max_tokens\":null,\"max_completion_tokens\":null",
                "\"prediction\":null",
                "\"safety_identifier\":\"me\",\"prompt_cache_key\":\"a\"",
                "\"tools\":[]",
                "\"tool_choice\":\"none\"",
                "\"logprobs\":false",
                "\"logit_bias\":{}",
                "\"presence_penalty\":0",
                "\"frequency_penalty\":0.0",
                "\"modalities\":[\"text\"]",
                "\"user\":\"me\"",
                "\"metadata\":{\"a\":\"b\"}",
                "\"store\":true",
                "\"service_tier\":\"auto\"",
                "\"parallel_tool_calls\":true",
                "\"stream_options\":null",
                "\"stream\":true,\"stream_options\":{\"include_usage\":true}",
                "\"max_tokens\":5,\"max_completion_tokens\":5",
                "\"stop\":null",
                "\"response_format\":{\"type\":\"text\"}",
                "\"anything\":\"else\""
            })
    void whatChangesNothingIsTaken(String field) {
        assertThat(chat("{" + HI + "," + field + "}").turns()).containsExactly(new ChatMessage("user", "Hi"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "n | \"n\":2",
                "best_of | \"best_of\":3",
                "tools | \"tools\":[{\"type\":\"function\"}]",
                "tool_choice | \"tool_choice\":\"required\"",
                "functions | \"functions\":[{}]",
                "function_call | \"function_call\":{\"name\":\"f\"}",
                "logprobs | \"logprobs\":true",
                "top_logprobs | \"top_logprobs\":2",
                "logit_bias | \"logit_bias\":{\"50256\":-100}",
                "presence_penalty | \"presence_penalty\":0.5",
                "frequency_penalty | \"frequency_penalty\":-1",
                "audio | \"audio\":{\"voice\":\"alloy\"}",
                "modalities | \"modalities\":[\"text\",\"audio\"]",
                "web_search_options | \"web_search_options\":{}",
                "reasoning_effort | \"reasoning_effort\":\"high\"",
                "stream | \"stream\":1",
                "stream_options | \"stream_options\":{\"include_usage\":true}",
                "stream_options | \"stream\":true,\"stream_options\":1",
                "stream_options.include_usage | \"stream\":true,\"stream_options\":{\"include_usage\":1}",
                "max_tokens | \"max_tokens\":5000,\"max_completion_tokens\":6",
                "max_completion_tokens | \"max_tokens\":5,\"max_completion_tokens\":5000",
                "max_completion_tokens | \"max_tokens\":5,\"max_completion_tokens\":0",
                "max_completion_tokens | \"max_tokens\":5,\"max_completion_tokens\":5.5",
                "max_tokens | \"max_tokens\":\"5\",\"max_completion_tokens\":5",
                "max_tokens | \"max_tokens\":\"5\"",
                "max_completion_tokens | \"max_completion_tokens\":\"5\"",
                "seed | \"seed\":1.5",
                "temperature | \"temperature\":3",
                "response_format.type | \"response_format\":{\"type\":\"xml\"}",
                "response_format.json_schema.schema | \"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}",
                "priority | \"priority\":\"now\"",
            })
    void whatFluxCannotDoIsRefusedByItsName(String param, String field) {
        Event.Error error = refusal("{" + HI + "," + field + "}", null);
        assertThat(error.code()).isEqualTo("invalid_request");
        assertThat(error.field()).isEqualTo(param);
        assertThat(error.error()).startsWith(param);
    }

    /** 200 KB of tools came back as a message of 219 KB. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"tools\":[\"LONG\"]",
                "\"tool_choice\":\"LONG\"",
                "\"suffix\":\"LONG\"",
                "\"logit_bias\":{\"LONG\":1}",
                "\"modalities\":[\"LONG\"]",
                "\"user\":\"x\",\"stream\":\"LONG\"",
                "\"model\":\"LONG\"",
                "\"seed\":\"LONG\"",
                "\"max_tokens\":\"LONG\"",
                "\"stream_options\":\"LONG\"",
                "\"stop\":[[\"LONG\"]]"
            })
    void anErrorDoesNotRepeatAllThatWasSent(String field) {
        Event.Error error = refusal("{" + HI + "," + field.replace("LONG", "🧂".repeat(3_000)) + "}", null);
        assertThat(error.error()).hasSizeLessThan(300).doesNotContainPattern("[\\ud800-\\udbff](?![\\udc00-\\udfff])");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "messages | null",
                "messages | []",
                "messages | \"Hi\"",
                "messages[0] | [1]",
                "messages[0].role | [{\"content\":\"Hi\"}]",
                "messages[0].role | [{\"role\":\"tool\",\"content\":\"Hi\"}]",
                "messages[0].content | [{\"role\":\"user\"}]",
                "messages[0].content | [{\"role\":\"user\",\"content\":null}]",
                "messages[0].content[0].type | [{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]",
                "messages[0].content[0].text | [{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
                "messages[0].tool_calls | [{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{}]}]",
            })
    void whatIsNoConversationIsRefused(String param, String messages) {
        Event.Error error = refusal("{\"messages\":" + messages + "}", null);
        assertThat(error.field()).isEqualTo(param);
        assertThat(error.error()).startsWith(param);
    }

    @ParameterizedTest
    @CsvSource({"5,6", "6,5", "5,5"})
    void ofTwoBoundsTheSmallerHolds(int older, int newer) {
        assertThat(chat("{" + HI + ",\"max_tokens\":" + older + ",\"max_completion_tokens\":" + newer + "}")
                        .maxTokens())
                .isEqualTo(5);
    }

    /** What the official clients keep of an answer and send back with the next request. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"content\":null",
                "\"content\":null,\"tool_calls\":[]",
                "\"content\":null,\"tool_calls\":null,\"function_call\":null,\"audio\":null",
                "\"content\":null,\"refusal\":\"no\"",
                "\"content\":null,\"refusal\":null,\"annotations\":[]",
                "\"content\":[]",
                "\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]",
                "\"refusal\":null",
            })
    void anAssistantsTurnWithoutContentIsAnEmptyTurn(String members) {
        String hi = "{\"role\":\"user\",\"content\":\"Hi\"}";
        assertThat(chat("{\"messages\":[" + hi + ",{\"role\":\"assistant\"," + members + "}," + hi + "]}")
                        .turns())
                .containsExactly(
                        new ChatMessage("user", "Hi"), new ChatMessage("assistant", ""), new ChatMessage("user", "Hi"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"prompt\":null}",
                "{\"prompt\":\" \"}",
                "{\"prompt\":[]}",
                "{\"prompt\":[1,2]}",
                "{\"prompt\":[[1,2]]}",
                "{\"prompt\":[\"a\",\"b\"]}"
            })
    void whatIsNotOnePromptIsRefused(String body) {
        Refusal refusal = catchThrowableOfType(Refusal.class, () -> requests.completion(body, null, ""));
        assertThat(refusal.event().field()).isEqualTo("prompt");
    }

    @ParameterizedTest
    @CsvSource({"echo,true", "suffix,'\"end\"'", "best_of,2", "logprobs,1"})
    void whatOnlyCompletionsHaveIsRefusedToo(String param, String value) {
        Refusal refusal = catchThrowableOfType(
                Refusal.class,
                () -> requests.completion("{\"prompt\":\"a\",\"" + param + "\":" + value + "}", null, ""));
        assertThat(refusal.event().field()).isEqualTo(param);
    }

    @Test
    void whatIsNoJsonIsRefusedAsAtEveryDoor() {
        assertThat(refusal("{", null).error()).startsWith("the message is not valid JSON");
        assertThat(refusal("[]", null).error()).isEqualTo("the message must be a JSON object");
        assertThat(refusal("{\"a\":1,\"a\":2}", null).error()).startsWith("the message is not valid JSON");
    }

    private JobRequest chat(String body) {
        return requests.chat(body.getBytes(StandardCharsets.UTF_8), null, "")
                .message()
                .request();
    }

    private Event.Error refusal(String body, String key) {
        return catchThrowableOfType(Refusal.class, () -> requests.chat(body, key, ""))
                .event();
    }
}
