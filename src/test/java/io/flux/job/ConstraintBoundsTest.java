package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request may make an engine build before the first token. */
class ConstraintBoundsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final MessageReader reader = new MessageReader(JSON, 1 << 20, () -> "id");

    @ParameterizedTest
    @CsvSource(
            delimiter = '!',
            value = {
                "{'type':'array','items':{'type':'string'},'minItems':2147483647} ! json_schema.minItems",
                "{'type':'array','items':{'type':'string'},'minItems':1e300} ! json_schema.minItems",
                "{'type':'array','items':{'type':'string'},'maxItems':10001} ! json_schema.maxItems",
                "{'type':'string','minLength':10001} ! json_schema.minLength",
                "{'type':'object','properties':{'a':{'type':'string','maxLength':99999}}} ! json_schema.properties.a.maxLength",
                "{'anyOf':[{},{'type':'object','maxProperties':10001}]} ! json_schema.anyOf[1].maxProperties",
                "{'$ref':'#/const','const':{'type':'string','minLength':99999}} ! json_schema.const.minLength"
            })
    void aSchemasNumbersAreBounded(String schema, String field) throws Exception {
        Refusal refusal = refusal("json_schema", JSON.readTree(schema.replace('\'', '"')));
        assertThat(refusal.event().field()).isEqualTo(field);
        assertThat(refusal.event().error()).isEqualTo(field + " must be at most 10000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "^[a-z]{10001}$",
                "^[a-z]{0,10001}$",
                "^([a-z]{1,5}){99999999999999999999}$",
            })
    void aPatternsQuantifiersAreBounded(String pattern) throws Exception {
        ObjectNode schema = JSON.createObjectNode().put("type", "string").put("pattern", pattern);
        assertThat(refusal("json_schema", schema).event().error())
                .isEqualTo("json_schema.pattern must repeat nothing more than 10000 times");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"root ::= \"a\"{10001}", "root ::= (\"a\" | [b-c])\n{3,20000}", "root ::= x{99999,}\nx ::= \"\""
            })
    void aGrammarsRepetitionsAreBounded(String grammar) {
        assertThat(refusal("grammar", JSON.getNodeFactory().textNode(grammar))
                        .event()
                        .error())
                .isEqualTo("grammar must repeat nothing more than 10000 times");
    }

    @Test
    void whatRepetitionsComeToIsBoundedTogether() throws Exception {
        String rule = " must not repeat so much: all its repetitions together may come to 100000 elements";
        for (String grammar : new String[] {
            "root ::= \"a\"{1000}{1000}{1000}",
            "root ::= \"" + "long".repeat(100) + "\"{9000}",
            "root ::= \"a\"" + "+".repeat(20_000),
            "root ::= [" + "a-c".repeat(100) + "]{5000}",
            "root ::= " + "\"a\"{9999} ".repeat(11)
        }) {
            assertThat(refusal("grammar", JSON.getNodeFactory().textNode(grammar))
                            .event()
                            .error())
                    .isEqualTo("grammar" + rule);
        }
        ObjectNode schema = JSON.createObjectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        for (int i = 0; i < 11; i++) {
            properties.putObject("p" + i).put("type", "string").put("minLength", 9_999);
        }
        assertThat(refusal("json_schema", schema).event().error()).isEqualTo("json_schema" + rule);
        ObjectNode plus = JSON.createObjectNode().put("type", "string").put("pattern", "^a" + "+".repeat(20_000) + "$");
        assertThat(refusal("json_schema", plus).event().error()).isEqualTo("json_schema" + rule);
    }

    @Test
    void groupsAreNestedAtMost100Deep() throws Exception {
        String grammar = "root ::= " + "(".repeat(101) + "\"a\"" + ")".repeat(101);
        assertThat(refusal("grammar", JSON.getNodeFactory().textNode(grammar))
                        .event()
                        .error())
                .isEqualTo("grammar must nest groups at most 100 deep");
        ObjectNode schema =
                JSON.createObjectNode().put("pattern", "^" + "(".repeat(5000) + "a" + ")".repeat(5000) + "$");
        assertThat(refusal("json_schema", schema).event().error())
                .isEqualTo("json_schema.pattern must nest groups at most 100 deep");
    }

    @Test
    void theFieldIsNamedAsTheClientWroteIt() throws Exception {
        Refusal refusal = refusal(
                "response_format",
                JSON.readTree("{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"minItems\":99999}}}"));
        assertThat(refusal.event().field()).isEqualTo("response_format.json_schema.schema.minItems");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "root ::= item{10000}\nitem ::= \"a\"",
                "root ::= object # {99999999} is said here\nobject ::= \"{99999999}\" [{}]* \"\\\"{99999}\"",
                "root ::= \"{\" ws pair (\",\" ws pair){0,50} \"}\"\npair ::= [a-z]+ \":\" [0-9]{1,9}\nws ::= [ \\t\\n]*",
                "root ::= (((((\"a\")+)?)*){2,3})"
            })
    void whatPeopleWriteIsTaken(String grammar) {
        assertThatCode(() -> read("grammar", JSON.getNodeFactory().textNode(grammar)))
                .doesNotThrowAnyException();
    }

    @Test
    void aSchemaOfManyFieldsIsTaken() throws Exception {
        ObjectNode schema = JSON.createObjectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        for (int i = 0; i < 90; i++) {
            properties
                    .putObject("p" + i)
                    .put("type", "string")
                    .put("maxLength", 1000)
                    .put("pattern", "^\\+?[0-9]{1,3}(-[0-9]{2,12}){1,4}$");
        }
        properties.putObject("minItems").put("type", "integer").put("maximum", 2147483647);
        assertThatCode(() -> read("json_schema", schema)).doesNotThrowAnyException();
    }

    private Refusal refusal(String field, Object value) {
        return catchThrowableOfType(Refusal.class, () -> read(field, value));
    }

    private void read(String field, Object value) throws JsonProcessingException {
        ObjectNode message = JSON.createObjectNode().put("prompt", "x");
        message.set(field, JSON.valueToTree(value));
        reader.read(JSON.writeValueAsString(message), "");
    }
}
