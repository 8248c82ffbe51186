package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageReaderTest {
    private static final int LARGEST = 16 * 1024;
    private static final String TYPES = "response_format.type must be one of text, json_object, json_schema";
    private static final String AT_MOST_ONE = "give at most one of response_format, json_schema, grammar";

    private final MessageReader reader = new MessageReader(new ObjectMapper(), LARGEST, () -> "made-id");

    @Test
    void theSeedsRequestWorksAsItIs() {
        JobRequest request = generate("{\"prompt\":\"Write me a poem\",\"max_tokens\":128,\"temperature\":0.7}");
        assertThat(request)
                .isEqualTo(new JobRequest(
                        "made-id",
                        null,
                        "Write me a poem",
                        null,
                        128,
                        0.7,
                        null,
                        null,
                        null,
                        null,
                        List.of(),
                        null,
                        null,
                        null,
                        OnDisconnect.GRACE,
                        null,
                        null,
                        false));
    }

    @Test
    void everyFieldOfARequestIsRead() {
        JobRequest request = generate(
                """
                {"type":"generate","request_id":"my-key","model":"org/llama:8b","messages":[
                   {"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},
                   {"role":"assistant","content":"Hello."},{"role":"user","content":""}],
                 "max_tokens":12,"temperature":0,"top_p":0.9,"top_k":40,"min_p":0.05,"seed":7,"stop":["\\n\\n","END"],
                 "timeout_ms":60000,"on_disconnect":"finish"}
                """);
        assertThat(request)
                .isEqualTo(new JobRequest(
                        "my-key",
                        "org/llama:8b",
                        null,
                        List.of(
                                new ChatMessage("system", "Be brief."),
                                new ChatMessage("user", "Hi"),
                                new ChatMessage("assistant", "Hello."),
                                new ChatMessage("user", "")),
                        12,
                        0.0,
                        0.9,
                        40,
                        0.05,
                        7L,
                        List.of("\n\n", "END"),
                        null,
                        null,
                        60000L,
                        OnDisconnect.FINISH,
                        null,
                        null,
                        false));
    }

    @Test
    void whatIsNotSaidIsFilledInWhereNoModelIsNeededForThat() {
        JobRequest request = generate("{\"prompt\":\"x\"}");
        assertThat(request.requestId()).isEqualTo("made-id");
        assertThat(request.model()).isNull();
        assertThat(request.maxTokens()).isNull();
        assertThat(request.onDisconnect()).isEqualTo(OnDisconnect.GRACE);
    }

    @Test
    void unknownFieldsAreIgnored() {
        assertThat(generate("{\"prompt\":\"x\",\"stream\":true,\"user\":{\"a\":[1]},\"Prompt\":3}"))
                .isEqualTo(generate("{\"prompt\":\"x\"}"));
    }

    @Test
    void nullCountsAsAbsent() {
        assertThat(
                        generate(
                                """
                                {"type":null,"request_id":null,"model":null,"prompt":"x","messages":null,"max_tokens":null,
                                 "temperature":null,"top_p":null,"top_k":null,"min_p":null,"seed":null,"stop":null,
                                 "timeout_ms":null,"on_disconnect":null}
                                """))
                .isEqualTo(generate("{\"prompt\":\"x\"}"));
    }

    @Test
    void aWholeNumberMayBeWrittenWithAFraction() {
        JobRequest request =
                generate("{\"prompt\":\"x\",\"max_tokens\":64.0,\"seed\":7.0,\"top_k\":4e1,\"timeout_ms\":1.5e3}");
        assertThat(request.maxTokens()).isEqualTo(64);
        assertThat(request.seed()).isEqualTo(7);
        assertThat(request.topK()).isEqualTo(40);
        assertThat(request.timeoutMs()).isEqualTo(1500);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'json_schema':{'type':'boolean'} | {'type':'boolean'}",
                "'json_schema':{} | {}",
                "'response_format':{'type':'json_object'} | {'type':'object'}",
                "'response_format':{'type':'json_object','schema':null} | {'type':'object'}",
                "'response_format':{'type':'json_object','schema':{'maxProperties':1}} | {'maxProperties':1}",
                "'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':true,'schema':{}}} | {}",
                "'response_format':{'type':'json_schema','json_schema':{'schema':{'b':1,'a':2}}} | {'b':1,'a':2}",
            })
    void aSchemaHasSeveralNamesAndIsOneField(String field, String schema) {
        JobRequest request = generate("{\"prompt\":\"x\"," + field.replace('\'', '"') + "}");
        assertThat(request.jsonSchema()).hasToString(schema.replace('\'', '"'));
        assertThat(request.grammar()).isNull();
        assertThat(request.isConstrained()).isTrue();
    }

    @Test
    void aGrammarIsTakenAsItIs() {
        JobRequest request = generate("{\"prompt\":\"x\",\"grammar\":\" root ::= \\\"é\\\\n\\\"\\n\"}");
        assertThat(request.grammar()).isEqualTo(" root ::= \"é\\n\"\n");
        assertThat(request.jsonSchema()).isNull();
        assertThat(request.isConstrained()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"response_format\":{\"type\":\"text\"}",
                "\"response_format\":{\"type\":\"text\",\"schema\":5}",
                "\"response_format\":null,\"json_schema\":null,\"grammar\":null"
            })
    void textIsNoConstraint(String fields) {
        assertThat(generate("{\"prompt\":\"x\"," + fields + "}")).isEqualTo(generate("{\"prompt\":\"x\"}"));
    }

    static Stream<List<String>> brokenRulesOfConstraints() {
        String format = "response_format";
        return Stream.of(
                List.of("'response_format':'json'", format, "response_format must be an object with a type"),
                List.of("'response_format':[]", format, "response_format must be an object with a type"),
                List.of("'response_format':{}", format + ".type", TYPES),
                List.of("'response_format':{'type':null}", format + ".type", TYPES),
                List.of("'response_format':{'type':1}", format + ".type", TYPES),
                List.of("'response_format':{'type':'json'}", format + ".type", TYPES),
                List.of(
                        "'response_format':{'type':'json_object','schema':[]}",
                        format + ".schema",
                        "response_format.schema must be a JSON object"),
                List.of(
                        "'response_format':{'type':'json_schema'}",
                        format + ".json_schema",
                        "response_format.json_schema must be an object with a schema"),
                List.of(
                        "'response_format':{'type':'json_schema','json_schema':true}",
                        format + ".json_schema",
                        "response_format.json_schema must be an object with a schema"),
                List.of(
                        "'response_format':{'type':'json_schema','json_schema':{'name':'n'}}",
                        format + ".json_schema.schema",
                        "response_format.json_schema.schema is required"),
                List.of(
                        "'response_format':{'type':'json_schema','json_schema':{'schema':'{}'}}",
                        format + ".json_schema.schema",
                        "response_format.json_schema.schema must be a JSON object"),
                List.of("'json_schema':'{}'", "json_schema", "json_schema must be a JSON object"),
                List.of("'json_schema':true", "json_schema", "json_schema must be a JSON object"),
                List.of("'json_schema':[]", "json_schema", "json_schema must be a JSON object"),
                List.of("'grammar':''", "grammar", "grammar must be a non-empty string"),
                List.of("'grammar':' \\n'", "grammar", "grammar must be a non-empty string"),
                List.of("'grammar':{}", "grammar", "grammar must be a non-empty string"),
                List.of("'grammar':'a\\u0000b'", "grammar", "grammar must not hold the character U+0000"),
                List.of("'json_schema':{},'grammar':'x'", "grammar", AT_MOST_ONE),
                List.of("'grammar':'','response_format':{'type':'text'}", "grammar", AT_MOST_ONE),
                List.of("'json_schema':{},'response_format':{'type':'text'}", "json_schema", AT_MOST_ONE));
    }

    @ParameterizedTest
    @MethodSource("brokenRulesOfConstraints")
    void aConstraintThatBreaksARuleIsRefusedWithTheFieldAndTheRule(List<String> broken) {
        Event.Error error = refusal(
                "{\"request_id\":\"mine\",\"prompt\":\"x\"," + broken.get(0).replace('\'', '"') + "}");
        assertThat(error.code()).isEqualTo("invalid_request");
        assertThat(error.field()).isEqualTo(broken.get(1));
        assertThat(error.error()).isEqualTo(broken.get(2));
        assertThat(error.requestId()).isEqualTo("mine");
    }

    @Test
    void aConstraintMayHave32KiBOfUtf8AndNotOneByteMore() {
        MessageReader large = new MessageReader(new ObjectMapper(), 1 << 20, () -> "made-id");
        String grammar = "{\"prompt\":\"x\",\"grammar\":\"%s\"}";
        large.read(grammar.formatted("é".repeat(16384)), "");
        assertThat(catchThrowableOfType(Refusal.class, () -> large.read(grammar.formatted("é".repeat(16384) + "x"), ""))
                        .event()
                        .error())
                .isEqualTo("grammar must be at most 32768 bytes, not 32769");
        String schema = "{\"prompt\":\"x\",\"json_schema\":{ \"const\" : \"%s\" }}";
        int shell = "{\"const\":\"\"}".length();
        large.read(schema.formatted("x".repeat(32768 - shell)), "");
        assertThat(catchThrowableOfType(
                                Refusal.class, () -> large.read(schema.formatted("x".repeat(32769 - shell)), ""))
                        .event()
                        .error())
                .isEqualTo("json_schema must be at most 32768 bytes, not 32769");
    }

    @Test
    void aSchemaMayBe100LevelsDeepAndNoDeeper() {
        String message = "{\"prompt\":\"x\",\"json_schema\":%s}";
        generate(message.formatted("{\"not\":".repeat(99) + "{}" + "}".repeat(99)));
        Event.Error error = refusal(message.formatted("{\"anyOf\":[".repeat(50) + "{}" + "]}".repeat(50)));
        assertThat(error.field()).isEqualTo("json_schema");
        assertThat(error.error()).isEqualTo("json_schema must be nested at most 100 levels deep");
        assertThat(refusal(message.formatted("{\"not\":".repeat(999) + "{}" + "}".repeat(999)))
                        .error())
                .as("deeper than the parser goes")
                .isEqualTo("the message is not valid JSON:"
                        + " Document nesting depth (1001) exceeds the maximum allowed (1000)");
    }

    @Test
    void aKeyThatComesTwiceInASchemaIsRefused() {
        assertThat(refusal("{\"prompt\":\"x\",\"json_schema\":{\"type\":\"null\",\"type\":\"null\"}}")
                        .error())
                .startsWith("the message is not valid JSON: Duplicate field 'type'");
    }

    @Test
    void howManyTokensAreAllowedIsTheModelsToSayHoweverManyAreAskedFor() {
        for (String many : List.of("2147483648", "99999999999999999999", "1e30")) {
            assertThat(generate("{\"prompt\":\"x\",\"max_tokens\":" + many + "}")
                            .maxTokens())
                    .isEqualTo(Integer.MAX_VALUE);
        }
        assertThat(generate("{\"prompt\":\"x\",\"max_tokens\":-99999999999999999999}")
                        .maxTokens())
                .isEqualTo(Integer.MIN_VALUE);
    }

    @Test
    void aStopMayBeOneString() {
        assertThat(generate("{\"prompt\":\"x\",\"stop\":\"END\"}").stop()).containsExactly("END");
    }

    @Test
    void bytesAndTextAreReadAlike() {
        String message = "{\"prompt\":\"Grüße 🌙\",\"request_id\":\"a\"}";
        assertThat(reader.read(message.getBytes(StandardCharsets.UTF_8), "")).isEqualTo(reader.read(message, ""));
        assertThat(generate(message).prompt()).isEqualTo("Grüße 🌙");
    }

    @Test
    void cancelNamesAJob() {
        assertThat(reader.read("{\"type\":\"cancel\",\"request_id\":\"a.b_c:d-E9\"}", ""))
                .isEqualTo(new ClientMessage.Cancel("a.b_c:d-E9"));
    }

    @Test
    void resumeNamesAJobAndWhatTheClientHas() {
        assertThat(reader.read("{\"type\":\"resume\",\"request_id\":\"a\",\"after\":17}", ""))
                .isEqualTo(new ClientMessage.Resume("a", 17));
        assertThat(reader.read("{\"type\":\"resume\",\"request_id\":\"a\"}", ""))
                .isEqualTo(new ClientMessage.Resume("a", 0));
    }

    @Test
    void eachVerbHasAName() {
        assertThat(reader.read("{\"prompt\":\"x\"}", "").verb()).isEqualTo("generate");
        assertThat(reader.read("{\"type\":\"cancel\",\"request_id\":\"a\"}", "").verb())
                .isEqualTo("cancel");
        assertThat(reader.read("{\"type\":\"resume\",\"request_id\":\"a\"}", "").verb())
                .isEqualTo("resume");
    }

    /** The rest of a message that is valid but for one field; the field that is at fault; the rule. */
    static Stream<List<String>> brokenRules() {
        String number = "\"prompt\":\"x\",";
        return Stream.of(
                List.of("\"max_tokens\":5", "prompt", "prompt or messages is required"),
                List.of("\"prompt\":null", "prompt", "prompt or messages is required"),
                List.of("\"prompt\":\"\"", "prompt", "prompt must not be empty"),
                List.of("\"prompt\":\" \\n\\t \"", "prompt", "prompt must not be empty"),
                List.of("\"prompt\":5", "prompt", "prompt must be a string"),
                List.of("\"prompt\":[\"x\"]", "prompt", "prompt must be a string"),
                List.of(
                        "\"prompt\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]",
                        "messages",
                        "give either prompt or messages, not both"),
                List.of("\"messages\":\"x\"", "messages", "messages must be a list of at least one {role, content}"),
                List.of("\"messages\":[]", "messages", "messages must be a list of at least one {role, content}"),
                List.of("\"messages\":{}", "messages", "messages must be a list of at least one {role, content}"),
                List.of("\"messages\":[\"x\"]", "messages[0]", "messages[0] must be an object with role and content"),
                List.of("\"messages\":[null]", "messages[0]", "messages[0] must be an object with role and content"),
                List.of(
                        "\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"content\":\"x\"}]",
                        "messages[1].role",
                        "messages[1].role must be one of system, user, assistant"),
                List.of(
                        "\"messages\":[{\"role\":\"User\",\"content\":\"x\"}]",
                        "messages[0].role",
                        "messages[0].role must be one of system, user, assistant"),
                List.of(
                        "\"messages\":[{\"role\":7,\"content\":\"x\"}]",
                        "messages[0].role",
                        "messages[0].role must be one of system, user, assistant"),
                List.of(
                        "\"messages\":[{\"role\":\"user\"}]",
                        "messages[0].content",
                        "messages[0].content must be a string"),
                List.of(
                        "\"messages\":[{\"role\":\"user\",\"content\":null}]",
                        "messages[0].content",
                        "messages[0].content must be a string"),
                List.of(
                        "\"messages\":[{\"role\":\"user\",\"content\":\" \"},{\"role\":\"user\",\"content\":\"\"}]",
                        "messages",
                        "messages must not all be empty"),
                List.of(
                        number + "\"model\":\"\"",
                        "model",
                        "model must be 1 to 128 characters of: letters, digits, . _ : / -"),
                List.of(
                        number + "\"model\":\"a{b}\"",
                        "model",
                        "model must be 1 to 128 characters of: letters, digits, . _ : / -"),
                List.of(
                        number + "\"model\":\"" + "m".repeat(129) + "\"",
                        "model",
                        "model must be 1 to 128 characters of: letters, digits, . _ : / -"),
                List.of(number + "\"model\":1", "model", "model must be a string"),
                List.of(number + "\"max_tokens\":1.5", "max_tokens", "max_tokens must be an integer"),
                List.of(number + "\"max_tokens\":1e999", "max_tokens", "max_tokens must be an integer"),
                List.of(number + "\"max_tokens\":\"64\"", "max_tokens", "max_tokens must be an integer"),
                List.of(number + "\"max_tokens\":true", "max_tokens", "max_tokens must be an integer"),
                List.of(number + "\"temperature\":-0.1", "temperature", "temperature must be between 0 and 2"),
                List.of(number + "\"temperature\":2.01", "temperature", "temperature must be between 0 and 2"),
                List.of(number + "\"temperature\":1e999", "temperature", "temperature must be between 0 and 2"),
                List.of(number + "\"temperature\":\"hot\"", "temperature", "temperature must be a number"),
                List.of(number + "\"top_p\":1.1", "top_p", "top_p must be between 0 and 1"),
                List.of(number + "\"top_p\":[]", "top_p", "top_p must be a number"),
                List.of(number + "\"top_k\":-1", "top_k", "top_k must be between 0 and 100000"),
                List.of(number + "\"top_k\":0.5", "top_k", "top_k must be an integer"),
                List.of(number + "\"min_p\":-1", "min_p", "min_p must be between 0 and 1"),
                List.of(number + "\"seed\":-1", "seed", "seed must be between 0 and 4294967295"),
                List.of(number + "\"seed\":4294967296", "seed", "seed must be between 0 and 4294967295"),
                List.of(number + "\"stop\":5", "stop", "stop must be a string or a list of strings"),
                List.of(number + "\"stop\":\"\"", "stop", "stop must hold strings of 1 to 256 characters"),
                List.of(number + "\"stop\":[\"\"]", "stop", "stop must hold strings of 1 to 256 characters"),
                List.of(number + "\"stop\":[null]", "stop", "stop must hold strings of 1 to 256 characters"),
                List.of(
                        number + "\"stop\":[\"" + "s".repeat(257) + "\"]",
                        "stop",
                        "stop must hold strings of 1 to 256 characters"),
                List.of(
                        number + "\"stop\":[" + "\"s\",".repeat(16) + "\"s\"]",
                        "stop",
                        "stop must hold at most 16 strings"),
                List.of(number + "\"timeout_ms\":0", "timeout_ms", "timeout_ms must be between 1 and 86400000"),
                List.of(number + "\"timeout_ms\":86400001", "timeout_ms", "timeout_ms must be between 1 and 86400000"),
                List.of(
                        number + "\"on_disconnect\":\"Grace\"",
                        "on_disconnect",
                        "on_disconnect must be one of cancel, grace, finish"),
                List.of(number + "\"on_disconnect\":1", "on_disconnect", "on_disconnect must be a string"),
                List.of("\"type\":\"Generate\"", "type", "type must be one of generate, cancel, resume, models"),
                List.of("\"type\":\"\"", "type", "type must be one of generate, cancel, resume, models"),
                List.of("\"type\":1", "type", "type must be a string"),
                List.of("\"type\":\"resume\",\"after\":-1", "after", "after must be at least 0"),
                List.of("\"type\":\"resume\",\"after\":0.5", "after", "after must be an integer"),
                List.of("\"type\":\"resume\",\"after\":99999999999999999999", "after", "after must be at least 0"),
                List.of("\"type\":\"resume\",\"after\":\"1\"", "after", "after must be an integer"));
    }

    @ParameterizedTest
    @MethodSource("brokenRules")
    void aBrokenRuleIsRefusedWithTheFieldTheRuleAndTheRequestsId(List<String> broken) {
        Event.Error error = refusal("{\"request_id\":\"mine\"," + broken.get(0) + "}");
        assertThat(error.code()).isEqualTo("invalid_request");
        assertThat(error.field()).isEqualTo(broken.get(1));
        assertThat(error.error()).isEqualTo(broken.get(2));
        assertThat(error.requestId()).isEqualTo("mine");
        assertThat(error.seq()).isNull();
        assertThat(error.retryAfterMs()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a{b}", "ä", "a/b", "a\\n", "a\\u0000"})
    void aRequestIdOfOtherCharactersIsRefusedAndNotRepeated(String id) {
        Event.Error error = refusal("{\"prompt\":\"x\",\"request_id\":\"" + id + "\"}");
        assertThat(error.field()).isEqualTo("request_id");
        assertThat(error.error()).isEqualTo("request_id must be 1 to 128 characters of: letters, digits, . _ : -");
        assertThat(error.requestId()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"null, the word null", "., . or ..", ".., . or .."})
    void anIdThatMeansSomethingElseInARouteOrAPathIsRefused(String id, String what) {
        Event.Error error = refusal("{\"prompt\":\"x\",\"request_id\":\"" + id + "\"}");
        assertThat(error.field()).isEqualTo("request_id");
        assertThat(error.error()).isEqualTo("request_id must not be " + what);
    }

    @Test
    void aRequestIdMayHave128CharactersAndNotOneMore() {
        assertThat(generate("{\"prompt\":\"x\",\"request_id\":\"" + "i".repeat(128) + "\"}")
                        .requestId())
                .hasSize(128);
        assertThat(refusal("{\"prompt\":\"x\",\"request_id\":\"" + "i".repeat(129) + "\"}")
                        .field())
                .isEqualTo("request_id");
        assertThat(refusal("{\"prompt\":\"x\",\"request_id\":7}").error()).isEqualTo("request_id must be a string");
    }

    @Test
    void aQuestionAboutModelsMayHaveAnIdAndNeedsNone() {
        assertThat(reader.read("{\"type\":\"models\"}", "")).isEqualTo(new ClientMessage.Models(null));
        assertThat(reader.read("{\"type\":\"models\",\"request_id\":\"q\"}", ""))
                .isEqualTo(new ClientMessage.Models("q"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cancel", "resume"})
    void whatIsAboutAJobMustNameIt(String type) {
        Event.Error error = refusal("{\"type\":\"" + type + "\"}");
        assertThat(error.field()).isEqualTo("request_id");
        assertThat(error.error()).isEqualTo("request_id is required");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"top_k|0|100000", "seed|0|4294967295", "timeout_ms|1|86400000"})
    void theEndsOfARangeAreInIt(String field, long least, long most) {
        generate("{\"prompt\":\"x\",\"" + field + "\":" + least + "}");
        generate("{\"prompt\":\"x\",\"" + field + "\":" + most + "}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"temperature|2", "top_p|1", "min_p|1"})
    void theEndsOfARangeOfNumbersAreInIt(String field, int most) {
        generate("{\"prompt\":\"x\",\"" + field + "\":0}");
        generate("{\"prompt\":\"x\",\"" + field + "\":" + most + "}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "[]", "\"x\"", "7", "null", "true", "[{\"prompt\":\"x\"}]"})
    void aMessageThatIsNoObjectIsRefused(String message) {
        Event.Error error = refusal(message);
        assertThat(error.error()).isEqualTo("the message must be a JSON object");
        assertThat(error.field()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "{\"prompt\":\"x\"",
                "{\"prompt\":\"x\"}}",
                "{\"prompt\":\"x\"} {\"prompt\":\"y\"}",
                "{\"prompt\":\"x\"} trailing",
                "{\"prompt\":\"x\",\"prompt\":\"y\"}",
                "{prompt:\"x\"}",
                "{'prompt':'x'}",
                "{\"prompt\":\"x\",}",
                "{\"prompt\":\"a\nb\"}",
                "{\"prompt\":\"x\",\"temperature\":NaN}",
                "{\"prompt\":\"x\",\"seed\":007}",
                "{\"prompt\":\"\\x\"}",
                "hello",
                "<html>"
            })
    void whatIsNotJsonIsRefusedSayingWhere(String message) {
        Event.Error error = refusal(message);
        assertThat(error.code()).isEqualTo("invalid_request");
        assertThat(error.error())
                .startsWith("the message is not valid JSON: ")
                .containsPattern("line \\d+, column \\d+$")
                .hasLineCount(1)
                .doesNotContain("com.fasterxml", "[Source");
        assertThat(error.field()).isNull();
    }

    @Test
    void nestingWithoutEndIsRefused() {
        assertThat(refusal("{\"prompt\":\"x\",\"extra\":" + "[".repeat(7000) + "]".repeat(7000) + "}")
                        .error())
                .startsWith("the message is not valid JSON: ");
    }

    @Test
    void aNumberOfThousandsOfDigitsIsRefused() {
        assertThat(refusal("{\"prompt\":\"x\",\"seed\":" + "9".repeat(5000) + "}")
                        .code())
                .isEqualTo("invalid_request");
    }

    @ParameterizedTest
    @ValueSource(ints = {0x80, 0xC0, 0xC1, 0xE2, 0xED, 0xF0, 0xF8, 0xFE, 0xFF})
    void bytesThatAreNoUtf8AreRefused(int bad) {
        byte[] message = "{\"prompt\":\"x?\"}".getBytes(StandardCharsets.UTF_8);
        message[12] = (byte) bad;
        Event.Error error = refusal(message);
        assertThat(error.code()).isEqualTo("invalid_request");
        assertThat(error.error()).startsWith("the message is not valid ");
    }

    /** One rule for all that is read: longer forms of a character than need be and halves of a pair are no UTF-8. */
    @Test
    void utf8IsReadStrictly() {
        for (String bad :
                List.of("c080", "c1bf", "e08080", "f0808080", "eda0bd", "edb0b0", "eda0bdedb8b0", "f4908080")) {
            ByteArrayOutputStream message = new ByteArrayOutputStream();
            message.writeBytes("{\"prompt\":\"x".getBytes(StandardCharsets.UTF_8));
            message.writeBytes(HexFormat.of().parseHex(bad));
            message.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));
            assertThat(refusal(message.toByteArray()).error()).as(bad).isEqualTo("the message is not valid UTF-8");
        }
    }

    /** The JSON parser would find out by itself that these are JSON too. */
    @Test
    void noOtherEncodingIsRead() {
        String message = "{\"prompt\":\"x\"}";
        for (Charset charset : List.of(
                StandardCharsets.UTF_16LE,
                StandardCharsets.UTF_16BE,
                StandardCharsets.UTF_16,
                Charset.forName("UTF-32"))) {
            assertThat(refusal(message.getBytes(charset)).code())
                    .as(charset.name())
                    .isEqualTo("invalid_request");
        }
    }

    @Test
    void aByteOrderMarkIsNoPartOfAMessage() {
        assertThat(generate("\ufeff{\"prompt\":\"x\"}").prompt()).isEqualTo("x");
    }

    @ParameterizedTest
    @ValueSource(strings = {"NaN", "Infinity", "-Infinity", "+Infinity", "-INF"})
    void aNumberThatIsNoneIsRefusedInWordsAboutNumbers(String number) {
        assertThat(refusal("{\"prompt\":\"x\",\"temperature\":" + number + "}").error())
                .startsWith("the message is not valid JSON: a number must be finite, not " + number + " at line 1")
                .doesNotContain("Feature", "enable");
    }

    @ParameterizedTest
    @ValueSource(strings = {"+1", "-NaN", ".5", "01", "1.", "0x1F", "INF", "1 // comment", "/* comment */ 1"})
    void theParsersOptionsAreNobodysBusiness(String number) {
        assertThat(refusal("{\"prompt\":\"x\",\"temperature\":" + number + "}").error())
                .doesNotContain("Feature", "enable", "ALLOW");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"LONG\":1,\"LONG\":2",
                "\"x\":LONG",
                "\"x\":trueLONG",
                "\"x\":\"\\LONG\"",
                "\"request_id\":\"LONG\"",
                "\"request_id\":[\"LONG\"]",
                "\"model\":\"LONG\"",
                "\"type\":\"LONG\"",
                "\"temperature\":\"LONG\"",
                "\"stop\":\"LONG\"",
                "\"on_disconnect\":\"LONG\"",
                "\"priority\":\"LONG\"",
                "\"callback_url\":\"LONG\"",
                "\"traceparent\":\"LONG\"",
                "\"messages\":\"LONG\"",
                "\"response_format\":{\"type\":\"LONG\"}",
                "\"json_schema\":\"LONG\"",
                "\"grammar\":[\"LONG\"]"
            })
    void anErrorDoesNotRepeatAllThatWasSent(String fields) {
        Event.Error error = refusal("{\"prompt\":\"x\"," + fields.replace("LONG", "x".repeat(3_000)) + "}");
        assertThat(error.error()).hasSizeLessThan(300);
        assertThat(error.requestId()).isNull();
    }

    /** It would break the schema of errors. */
    @ParameterizedTest
    @ValueSource(strings = {"null", ".", "..", "a b", "a@b", ""})
    void anErrorDoesNotRepeatAnIdThatNoJobCanHave(String id) {
        assertThat(refusal("{\"prompt\":\"x\",\"request_id\":\"" + id + "\"}").requestId())
                .isNull();
    }

    @Test
    void aMessageMayBeAsLargeAsTheBoundInBytesOfUtf8() {
        String shell = "{\"prompt\":\"\"}";
        String euros = "€".repeat((LARGEST - shell.length()) / 3);
        String pad = "x".repeat(LARGEST - shell.length() - euros.length() * 3);
        assertThat(generate("{\"prompt\":\"" + euros + pad + "\"}").prompt()).isEqualTo(euros + pad);
        assertThat(refusal("{\"prompt\":\"" + euros + pad + "x\"}").error())
                .isEqualTo("the message must be at most 16384 bytes, not 16385");
    }

    @Test
    void anEscapedSurrogateWithoutItsHalfDoesNotStopTheReader() {
        assertThat(generate("{\"prompt\":\"\\ud83c x\"}").prompt()).hasSize(3);
    }

    @Property(tries = 2000)
    void anyBytesGiveAMessageOrARefusal(@ForAll byte[] bytes) {
        readsOrRefuses(bytes);
    }

    @Property(tries = 3000)
    void anythingLikeJsonGivesAMessageOrARefusal(@ForAll("jsonish") String message) {
        readsOrRefuses(message);
    }

    @Property(tries = 3000)
    void anyValuesOfTheKnownFieldsGiveAMessageOrARefusal(@ForAll("messages") String message) {
        readsOrRefuses(message);
    }

    private void readsOrRefuses(Object message) {
        try {
            assertThat(reader.read(message, "")).isNotNull();
        } catch (Refusal refusal) {
            assertThat(refusal.event().code()).isEqualTo("invalid_request");
            assertThat(refusal.event().error()).isNotBlank().hasLineCount(1);
        }
    }

    @Provide
    Arbitrary<String> jsonish() {
        return Arbitraries.of(
                        "{",
                        "}",
                        "[",
                        "]",
                        ":",
                        ",",
                        "\"",
                        "\\",
                        "\\u",
                        "d83d",
                        "1",
                        "-",
                        ".",
                        "e9",
                        "null",
                        "true",
                        "\"prompt\"",
                        "\"type\"",
                        "\"stop\"",
                        "\"x\"",
                        " ",
                        "\n",
                        "\u0000",
                        "🌙",
                        "\ud83c")
                .list()
                .ofMaxSize(40)
                .map(parts -> String.join("", parts));
    }

    @Provide
    Arbitrary<String> messages() {
        Arbitrary<String> names = Arbitraries.of(
                "type",
                "request_id",
                "model",
                "prompt",
                "messages",
                "max_tokens",
                "temperature",
                "top_p",
                "top_k",
                "min_p",
                "seed",
                "stop",
                "response_format",
                "json_schema",
                "grammar",
                "timeout_ms",
                "on_disconnect",
                "after",
                "other");
        return Arbitraries.maps(names, values(2)).ofMaxSize(8).map(MessageReaderTest::object);
    }

    private static Arbitrary<String> values(int depth) {
        Arbitrary<String> simple = Arbitraries.of(
                "null",
                "true",
                "0",
                "-1",
                "1",
                "7",
                "64.0",
                "0.5",
                "1e3",
                "1e400",
                "-1e400",
                "99999999999999999999",
                "9223372036854775807",
                "9.3e18",
                "\"\"",
                "\" \"",
                "\"x\"",
                "\"generate\"",
                "\"cancel\"",
                "\"resume\"",
                "\"user\"",
                "\"grace\"",
                "\"\\ud800\"",
                "\"\\u0000\"",
                "[]",
                "{}",
                "{\"role\":\"user\",\"content\":\"x\"}",
                "{\"type\":\"json_object\"}");
        if (depth == 0) {
            return simple;
        }
        Arbitrary<String> lists =
                values(depth - 1).list().ofMaxSize(20).map(items -> "[" + String.join(",", items) + "]");
        Arbitrary<String> objects = Arbitraries.maps(
                        Arbitraries.of("role", "content", "type", "schema", "x"), values(depth - 1))
                .map(MessageReaderTest::object);
        return Arbitraries.frequencyOf(
                net.jqwik.api.Tuple.of(8, simple),
                net.jqwik.api.Tuple.of(1, lists),
                net.jqwik.api.Tuple.of(1, objects));
    }

    private static String object(java.util.Map<String, String> fields) {
        return fields.entrySet().stream()
                .map(field -> "\"" + field.getKey() + "\":" + field.getValue())
                .collect(java.util.stream.Collectors.joining(",", "{", "}"));
    }

    private JobRequest generate(String message) {
        return ((ClientMessage.Generate) reader.read(message, "")).request();
    }

    private Event.Error refusal(Object message) {
        Refusal refusal = catchThrowableOfType(Refusal.class, () -> reader.read(message, ""));
        assertThat(refusal).as("a refusal of %s", message).isNotNull();
        return refusal.event();
    }
}
