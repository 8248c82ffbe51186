package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.BeanPropertyDefinition;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import io.flux.callback.Callbacks;
import io.flux.gateway.JobList;
import io.flux.job.ChatMessage;
import io.flux.job.ClientMessage;
import io.flux.job.Event;
import io.flux.job.FailureReport;
import io.flux.job.JobRecord;
import io.flux.job.JobReport;
import io.flux.job.JobRequest;
import io.flux.job.MessageReader;
import io.flux.job.Refusal;
import io.flux.model.Admission;
import io.flux.observe.Health;
import io.flux.observe.QueueStatus;
import io.flux.openai.Requests;
import io.flux.supervision.DeadLetters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The two documents of the API are well made, and have every door and every field of the code, and no other. */
class ApiDocumentsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final ApiDocument HTTP = ApiDocument.openApi();
    private static final ApiDocument SOCKET = ApiDocument.asyncApi();
    private static final Pattern DOOR = Pattern.compile("http-door:([a-z]+):(/\\S*)");
    /** Where a document has a schema, besides among its components. */
    private static final Set<String> SCHEMAS = Set.of("schema", "x-itemSchema", "payload");

    static Stream<Arguments> documents() {
        return Stream.of(Arguments.of("openapi-3.1", HTTP), Arguments.of("asyncapi-3.0", SOCKET));
    }

    @ParameterizedTest
    @MethodSource("documents")
    void aDocumentHasTheFormOfItsStandard(String standard, ApiDocument document) throws IOException {
        try (InputStream in = getClass().getResourceAsStream("/api/" + standard + ".schema.json")) {
            JsonSchema form = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                    .getSchema(in);
            assertThat(form.validate(document.root())).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyReferenceLeadsSomewhereAndNothingIsLeftThatNobodyRefersTo(String standard, ApiDocument document) {
        List<String> references = document.root().findValuesAsText("$ref");
        assertThat(references).isNotEmpty().allSatisfy(reference -> assertThat(
                        document.root().at(reference.substring(1)).isMissingNode())
                .as(reference)
                .isFalse());
        for (String kind : List.of("schemas", "responses", "messages")) {
            document.root().path("components").path(kind).fieldNames().forEachRemaining(name -> assertThat(references)
                    .as(standard)
                    .contains("#/components/" + kind + "/" + name));
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everySchemaIsOneAndCanBeUsed(String standard, ApiDocument document) {
        JsonSchema rules = JsonSchemaFactory.getInstance(document.dialect())
                .getSchema(SchemaLocation.of(
                        document.dialect() == SpecVersion.VersionFlag.V7 ? SchemaId.V7 : SchemaId.V202012));
        List<JsonNode> all = new ArrayList<>();
        document.root().at("/components/schemas").forEach(all::add);
        collect(document.root(), all);
        assertThat(all).as(standard).hasSizeGreaterThan(20).allSatisfy(schema -> {
            assertThat(rules.validate(schema)).isEmpty();
            document.compile(schema);
        });
    }

    private static void collect(JsonNode node, List<JsonNode> schemas) {
        node.fields().forEachRemaining(field -> {
            if (SCHEMAS.contains(field.getKey())) {
                schemas.add(field.getValue());
            }
            if (!field.getKey().equals("examples")) {
                collect(field.getValue(), schemas);
            }
        });
        if (node.isArray()) {
            node.forEach(item -> collect(item, schemas));
        }
    }

    @Test
    void whatBothDocumentsHaveIsTheSame() {
        List<String> shared = new ArrayList<>();
        SOCKET.root().at("/components/schemas").fields().forEachRemaining(schema -> {
            JsonNode other = HTTP.root().at("/components/schemas").get(schema.getKey());
            if (other != null) {
                assertThat(schema.getValue()).as(schema.getKey()).isEqualTo(other);
                shared.add(schema.getKey());
            }
        });
        assertThat(shared).contains("Request", "Token", "Complete", "Error", "Model");
    }

    @ParameterizedTest
    @ValueSource(strings = {"openapi.json", "asyncapi.json"})
    void theDocumentsAreServedWithThePage(String name) throws IOException {
        try (InputStream served = getClass().getResourceAsStream("/web/" + name)) {
            assertThat(served).hasBinaryContent(Files.readAllBytes(ApiDocument.file(name)));
        }
    }

    @Test
    void everyDoorIsInTheDocumentAndNoOtherIs() throws IOException {
        Set<String> described = new TreeSet<>();
        HTTP.root().get("paths").fields().forEachRemaining(path -> path.getValue()
                .fieldNames()
                .forEachRemaining(method -> {
                    if (!method.equals("parameters")) {
                        described.add(method + " " + path.getKey());
                    }
                }));
        Set<String> doors = new TreeSet<>(doors());
        assertThat(doors).hasSizeGreaterThan(15);
        // The server itself answers these, without a route.
        doors.addAll(List.of("get /openapi.json", "get /asyncapi.json", "get /health/live"));
        assertThat(described).isEqualTo(doors);
        assertThat(Files.readString(Path.of("routes/gateway/websocket.camel.yaml")))
                .contains(SOCKET.root().at("/channels/generate/address").asText());
    }

    private static Set<String> doors() throws IOException {
        Set<String> doors = new HashSet<>();
        try (Stream<Path> files = Files.walk(Path.of("routes"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".camel.yaml"))
                    .toList()) {
                for (JsonNode item : YAML.readTree(file.toFile())) {
                    Matcher door = DOOR.matcher(item.at("/route/from/uri").asText());
                    // HEAD goes with GET.
                    if (door.matches() && !door.group(1).equals("head")) {
                        doors.add(door.group(1) + " " + door.group(2));
                    }
                }
            }
        }
        return doors;
    }

    @Test
    void everyParameterOfAPathIsDescribed() {
        HTTP.root().get("paths").fields().forEachRemaining(path -> {
            List<String> named = Pattern.compile("\\{(\\w+)}")
                    .matcher(path.getKey())
                    .results()
                    .map(result -> result.group(1))
                    .toList();
            assertThat(path.getValue().path("parameters").findValuesAsText("name"))
                    .as(path.getKey())
                    .isEqualTo(named);
        });
        List<String> names = new ArrayList<>();
        HTTP.root()
                .get("paths")
                .forEach(path -> path.forEach(
                        operation -> names.add(operation.path("operationId").asText("no operation"))));
        names.removeIf("no operation"::equals);
        assertThat(names).doesNotHaveDuplicates();
        HTTP.root()
                .get("paths")
                .findValues("links")
                .forEach(links -> links.forEach(link ->
                        assertThat(names).contains(link.get("operationId").asText())));
    }

    @Test
    void everyEventAndEveryMessageIsInTheDocumentOfTheWebSocket() {
        assertThat(messages("hear")).containsExactlyInAnyOrderElementsOf(names(ClientMessage.class));
        Set<String> told = names(Event.class);
        told.add("served");
        assertThat(messages("tell")).containsExactlyInAnyOrderElementsOf(told);
    }

    private static Set<String> names(Class<?> sealed) {
        return Arrays.stream(sealed.getPermittedSubclasses())
                .map(type -> type.getSimpleName().toLowerCase(Locale.ROOT))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<String> messages(String operation) {
        List<String> names = new ArrayList<>();
        for (JsonNode message : SOCKET.root().at("/operations/" + operation + "/messages")) {
            names.add(SOCKET.follow(SOCKET.follow(message)).path("name").asText());
        }
        return names;
    }

    @Test
    void everyExampleOfARequestKeepsToItsSchema() {
        List<JsonNode> bodies = new ArrayList<>();
        HTTP.root()
                .get("paths")
                .forEach(path -> path.forEach(operation ->
                        operation.path("requestBody").path("content").forEach(bodies::add)));
        assertThat(bodies).hasSize(4);
        for (JsonNode body : bodies) {
            assertThat(body.path("examples")).isNotEmpty();
            for (JsonNode example : body.path("examples")) {
                assertThat(HTTP.problems(body.get("schema"), example.get("value")))
                        .isEmpty();
            }
        }
    }

    @Test
    void everyExampleKeepsToItsSchema() {
        for (JsonNode message : SOCKET.root().at("/components/messages")) {
            assertThat(message.path("examples")).isNotEmpty();
            for (JsonNode example : message.path("examples")) {
                assertThat(SOCKET.problems(message.get("payload"), example.get("payload")))
                        .isEmpty();
            }
        }
    }

    static Stream<Arguments> records() {
        List<Arguments> records = new ArrayList<>(List.of(
                Arguments.of(JobReport.class, "JobReport"),
                Arguments.of(JobReport.Failure.class, "Failure"),
                Arguments.of(Event.Usage.class, "Usage"),
                Arguments.of(Event.Timings.class, "Timings"),
                Arguments.of(Event.Overhead.class, "Overhead"),
                Arguments.of(JobRecord.class, "JobRecord"),
                Arguments.of(JobList.Jobs.class, "ModelJobs"),
                Arguments.of(JobList.Listed.class, "ListedJob"),
                Arguments.of(JobRecord.Attempt.class, "JobAttempt"),
                Arguments.of(Admission.Report.class, "Models"),
                Arguments.of(Admission.Model.class, "Model"),
                Arguments.of(Health.Report.class, "Health"),
                Arguments.of(QueueStatus.Report.class, "QueueStatus"),
                Arguments.of(QueueStatus.Counts.class, "QueueCounts"),
                Arguments.of(DeadLetters.Report.class, "DeadLetter"),
                Arguments.of(DeadLetters.Replayed.class, "Replayed"),
                Arguments.of(FailureReport.class, "FailureReport"),
                Arguments.of(JobRequest.class, "StoredRequest"),
                Arguments.of(ChatMessage.class, "StoredMessage"),
                Arguments.of(Callbacks.Undelivered.class, "Undelivered")));
        for (Class<?> event : Event.class.getPermittedSubclasses()) {
            records.add(Arguments.of(event, event.getSimpleName()));
        }
        return records.stream();
    }

    @ParameterizedTest
    @MethodSource("records")
    void aSchemaHasTheFieldsOfTheCode(Class<?> type, String schema) {
        List<String> fields =
                JSON.getSerializationConfig().introspect(JSON.constructType(type)).findProperties().stream()
                        .filter(BeanPropertyDefinition::couldSerialize)
                        .map(BeanPropertyDefinition::getName)
                        .filter(name -> !name.equals("httpStatus"))
                        .toList();
        List<String> described = new ArrayList<>();
        HTTP.root()
                .at("/components/schemas/" + schema + "/properties")
                .fieldNames()
                .forEachRemaining(described::add);
        assertThat(described).containsExactlyInAnyOrderElementsOf(fields);
    }

    /** A client may be made from the document: what Flux says has no field that is not in it. */
    @Test
    void whatFluxSaysIsDescribedToTheLastField() {
        List<JsonNode> said = new ArrayList<>();
        HTTP.root().get("paths").findValues("responses").forEach(said::add);
        said.add(HTTP.root().at("/components/responses"));
        Set<JsonNode> seen = new HashSet<>();
        said.forEach(node -> closed(node, seen));
        assertThat(seen).hasSizeGreaterThan(50);
    }

    private static void closed(JsonNode node, Set<JsonNode> seen) {
        if (!seen.add(node)) {
            return;
        }
        if (node.has("$ref")) {
            closed(HTTP.follow(node), seen);
        }
        if (node.path("type").asText().equals("object") && node.has("properties")) {
            assertThat(node.path("additionalProperties").asText("true"))
                    .as(node.toString())
                    .isEqualTo("false");
        }
        node.forEach(child -> {
            if (child.isContainerNode()) {
                closed(child, seen);
            }
        });
    }

    /** Each is read by the code and looked at by the schema. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'prompt':'x'}",
                "{'type':'generate','prompt':'x'}",
                "{'type':null,'prompt':'x'}",
                "{'type':'sing','prompt':'x'}",
                "{'prompt':''}",
                "{'prompt':' \\n'}",
                "{'prompt':7}",
                "{'prompt':null}",
                "{}",
                "[]",
                "7",
                "{'messages':[{'role':'user','content':'x'}]}",
                "{'messages':[{'role':'user','content':'x','name':'y'}],'prompt':null}",
                "{'messages':[{'role':'user','content':'x'}],'prompt':'x'}",
                "{'messages':[]}",
                "{'messages':'x'}",
                "{'messages':[{'role':'user','content':' '}]}",
                "{'messages':[{'role':'user','content':' '},{'role':'user','content':'x'}]}",
                "{'messages':[{'role':'robot','content':'x'}]}",
                "{'messages':[{'role':'user','content':null}]}",
                "{'messages':[{'role':'user'}]}",
                "{'messages':['x']}",
                "{'messages':[{'role':'user','content':'x'}],'raw':true}",
                "{'messages':[{'role':'user','content':'x'}],'raw':false}",
                "{'prompt':'x','raw':true}",
                "{'prompt':'x','raw':'yes'}",
                "{'prompt':'x','request_id':'a.b:c_d-e'}",
                "{'prompt':'x','request_id':'.'}",
                "{'prompt':'x','request_id':'null'}",
                "{'prompt':'x','request_id':'a b'}",
                "{'prompt':'x','request_id':''}",
                "{'prompt':'x','request_id':7}",
                "{'prompt':'x','model':'org/model:7b'}",
                "{'prompt':'x','model':'/x'}",
                "{'prompt':'x','model':''}",
                "{'prompt':'x','max_tokens':1.0}",
                "{'prompt':'x','max_tokens':1.5}",
                "{'prompt':'x','max_tokens':'1'}",
                "{'prompt':'x','temperature':2}",
                "{'prompt':'x','temperature':2.1}",
                "{'prompt':'x','temperature':-0.1}",
                "{'prompt':'x','temperature':'hot'}",
                "{'prompt':'x','top_p':1}",
                "{'prompt':'x','top_p':1.1}",
                "{'prompt':'x','top_k':0}",
                "{'prompt':'x','top_k':-1}",
                "{'prompt':'x','top_k':100001}",
                "{'prompt':'x','min_p':1.5}",
                "{'prompt':'x','seed':4294967295}",
                "{'prompt':'x','seed':4294967296}",
                "{'prompt':'x','seed':-1}",
                "{'prompt':'x','stop':'.'}",
                "{'prompt':'x','stop':''}",
                "{'prompt':'x','stop':['.','!']}",
                "{'prompt':'x','stop':[]}",
                "{'prompt':'x','stop':[7]}",
                "{'prompt':'x','stop':{}}",
                "{'prompt':'x','response_format':{'type':'text'}}",
                "{'prompt':'x','response_format':{'type':'json_object'}}",
                "{'prompt':'x','response_format':{'type':'json_object','schema':{}}}",
                "{'prompt':'x','response_format':{'type':'json_object','schema':7}}",
                "{'prompt':'x','response_format':{'type':'json_schema'}}",
                "{'prompt':'x','response_format':{'type':'json_schema','json_schema':{}}}",
                "{'prompt':'x','response_format':{'type':'json_schema','json_schema':{'schema':{}}}}",
                "{'prompt':'x','response_format':{'type':'xml'}}",
                "{'prompt':'x','response_format':{}}",
                "{'prompt':'x','response_format':'text'}",
                "{'prompt':'x','json_schema':{}}",
                "{'prompt':'x','json_schema':'{}'}",
                "{'prompt':'x','grammar':'root ::= \\'a\\''}",
                "{'prompt':'x','grammar':' '}",
                "{'prompt':'x','grammar':'a\\u0000'}",
                "{'prompt':'x','grammar':'\\u0000'}",
                "{'prompt':'x','grammar':'g','json_schema':{}}",
                "{'prompt':'x','grammar':'g','response_format':{'type':'text'}}",
                "{'prompt':'x','grammar':null,'json_schema':{}}",
                "{'prompt':'x','timeout_ms':1}",
                "{'prompt':'x','timeout_ms':0}",
                "{'prompt':'x','timeout_ms':86400001}",
                "{'prompt':'x','on_disconnect':'finish'}",
                "{'prompt':'x','on_disconnect':'explode'}",
                "{'prompt':'x','priority':'high'}",
                "{'prompt':'x','priority':'HIGH'}",
                "{'prompt':'x','priority':1}",
                "{'prompt':'x','callback_url':'https://client.example/answers?x=1'}",
                "{'prompt':'x','callback_url':'ftp://client.example/'}",
                "{'prompt':'x','callback_url':'https://me:secret@client.example/'}",
                "{'prompt':'x','callback_url':'https://client.example/#part'}",
                "{'prompt':'x','callback_url':'http://client.example'}",
                "{'prompt':'x','callback_url':'http://client.example:8443/a?b=c@d'}",
                "{'prompt':'x','callback_url':'http://client.example:/'}",
                "{'prompt':'x','callback_url':'http://client.example:0/'}",
                "{'prompt':'x','callback_url':'http://client.example:65536/'}",
                "{'prompt':'x','callback_url':'http://-a.example/'}",
                "{'prompt':'x','callback_url':'http://a_b.example/'}",
                "{'prompt':'x','callback_url':'http://a.1b/'}",
                "{'prompt':'x','callback_url':'http://1.2.3/'}",
                "{'prompt':'x','callback_url':'http://1.2.3.4/'}",
                "{'prompt':'x','callback_url':'http://1.2.3.400/'}",
                "{'prompt':'x','callback_url':'http://[::1]/'}",
                "{'prompt':'x','callback_url':'http://[1::2::3]/'}",
                "{'prompt':'x','callback_url':'http://[::ffff:1.2.3.4]:80/'}",
                "{'prompt':'x','callback_url':'http://[fe80::1%25eth0]/'}",
                "{'prompt':'x','callback_url':'http://client.example/%zz'}",
                "{'prompt':'x','callback_url':'http://client.example/%C3%A4'}",
                "{'prompt':'x','callback_url':'http://client.example/ä'}",
                "{'prompt':'x','callback_url':'http://client.example/a b'}",
                "{'prompt':'x','callback_url':'http://client.example/{a}'}",
                "{'prompt':'x','callback_url':'HTTP://client.example/'}",
                "{'prompt':'x','callback_url':'http://'}",
                "{'prompt':'x','callback_url':'http://client.example?x'}",
                "{'prompt':'x','callback_url':'http://client.example.:80'}",
                "{'prompt':'x','some_field_of_another':true}",
                "{'type':'cancel','request_id':'x'}",
                "{'type':'cancel'}",
                "{'type':'cancel','request_id':'..'}",
                "{'type':'resume','request_id':'x'}",
                "{'type':'resume','request_id':'x','after':17}",
                "{'type':'resume','request_id':'x','after':null}",
                "{'type':'resume','request_id':'x','after':-1}",
                "{'type':'resume','request_id':'x','after':'1'}",
                "{'type':'resume','after':1}",
                "{'type':'models'}",
                "{'type':'models','request_id':'x'}",
                "{'type':'models','request_id':7}"
            })
    void theDocumentAllowsTheMessagesThatFluxTakes(String quoted) throws IOException {
        String message = quoted.replace('\'', '"').replace("\\\"", "\\u0022");
        boolean allowed = Stream.of("generate", "cancel", "resume", "models")
                .anyMatch(name -> allows(SOCKET, messagePayload(name), message));
        assertThat(allowed)
                .as(message)
                .isEqualTo(takes(reader(), (messages, body) -> messages.read(body, ""), message));
    }

    private static JsonNode messagePayload(String name) {
        return SOCKET.root().at("/components/messages/" + name + "/payload");
    }

    /** Without a field that stands for what each such request needs. */
    private static final List<String> OPENAI = List.of(
            "",
            ",'n':1",
            ",'n':2",
            ",'max_tokens':7",
            ",'max_completion_tokens':7",
            ",'max_completion_tokens':'7'",
            ",'max_tokens':7,'max_completion_tokens':8",
            ",'max_tokens':7,'max_completion_tokens':0",
            ",'max_tokens':5000,'max_completion_tokens':8",
            ",'max_tokens':7,'max_completion_tokens':8.5",
            ",'max_tokens':'7','max_completion_tokens':8",
            ",'temperature':3",
            ",'top_p':0.5",
            ",'seed':-9223372036854775807",
            ",'seed':1.5",
            ",'stop':['a','b']",
            ",'stop':['']",
            ",'stream':true",
            ",'stream':'yes'",
            ",'stream':true,'stream_options':{'include_usage':true}",
            ",'stream':true,'stream_options':{'include_usage':1}",
            ",'stream':true,'stream_options':7",
            ",'stream_options':{'include_usage':true}",
            ",'stream_options':null",
            ",'stream_options':{}",
            ",'stream':false,'stream_options':{'include_usage':false}",
            ",'response_format':{'type':'json_object'}",
            ",'response_format':{'type':'xml'}",
            ",'response_format':{'type':'text'},'grammar':'g'",
            ",'tools':[]",
            ",'tools':[{'type':'function'}]",
            ",'tool_choice':'auto'",
            ",'tool_choice':'required'",
            ",'logprobs':false",
            ",'logprobs':true",
            ",'logprobs':1",
            ",'top_logprobs':0",
            ",'logprobs':false,'top_logprobs':0",
            ",'top_logprobs':2",
            ",'logit_bias':{}",
            ",'logit_bias':{'1':1}",
            ",'presence_penalty':0",
            ",'presence_penalty':0.5",
            ",'frequency_penalty':0.0",
            ",'echo':true",
            ",'suffix':''",
            ",'suffix':'x'",
            ",'modalities':['text']",
            ",'modalities':['audio']",
            ",'audio':{}",
            ",'reasoning_effort':'high'",
            ",'verbosity':'medium'",
            ",'user':'somebody','store':true",
            ",'priority':'low','timeout_ms':1000");

    static Stream<String> chats() {
        return Stream.concat(
                OPENAI.stream().map(more -> "{'messages':[{'role':'user','content':'x'}]" + more + "}"),
                Stream.of(
                        "{}",
                        "{'messages':[]}",
                        "{'messages':null}",
                        "{'messages':'x'}",
                        "{'messages':['x']}",
                        "{'prompt':'x'}",
                        "{'messages':[{'role':'developer','content':'x'},{'role':'assistant','content':'y'}]}",
                        "{'messages':[{'role':'tool','content':'x'}]}",
                        "{'messages':[{'role':'user'}]}",
                        "{'messages':[{'role':'user','content':null}]}",
                        "{'messages':[{'role':'user','content':[{'type':'text','text':'x'}]}]}",
                        "{'messages':[{'role':'user','content':[{'type':'text','text':''}]}]}",
                        "{'messages':[{'role':'user','content':[{'type':'text'}]}]}",
                        "{'messages':[{'role':'user','content':[{'type':'image_url','image_url':'x'}]}]}",
                        "{'messages':[{'role':'user','content':[]}]}",
                        "{'messages':[{'role':'user','content':'x'},{'role':'assistant','content':null}]}",
                        "{'messages':[{'role':'user','content':'x'},{'role':'assistant','refusal':'no'}]}",
                        "{'messages':[{'role':'assistant','content':null,'tool_calls':[]}]}",
                        "{'messages':[{'role':'user','content':'x'},{'role':'assistant','content':7}]}",
                        "{'messages':[{'role':'user','content':'x'},{'role':'assistant','content':[{'type':'refusal','refusal':'no'}]}]}",
                        "{'messages':[{'role':'assistant','content':[{'type':'refusal','refusal':'no','text':'x'}]}]}",
                        "{'messages':[{'role':'user','content':[{'type':'refusal','refusal':'no'}]}]}",
                        "{'messages':[{'role':'system','content':null},{'role':'user','content':'x'}]}",
                        "{'messages':[{'role':'user','content':'\\u0085'}]}",
                        "{'messages':[{'role':'user','content':'\\u00a0'}]}",
                        "{'messages':[{'role':'user','content':'\\u001c\\u3000\\u2003'}]}",
                        "{'messages':[{'role':'user','content':'x','tool_calls':[]}]}",
                        "{'messages':[{'role':'user','content':'x','tool_calls':[7]}]}"));
    }

    static Stream<String> completions() {
        return Stream.concat(
                OPENAI.stream().map(more -> "{'prompt':'x'" + more + "}"),
                Stream.of(
                        "{}",
                        "{'prompt':null}",
                        "{'prompt':''}",
                        "{'prompt':['x']}",
                        "{'prompt':['x','y']}",
                        "{'prompt':[]}",
                        "{'prompt':[1,2]}",
                        "{'prompt':7}"));
    }

    @ParameterizedTest
    @MethodSource("chats")
    void theDocumentAllowsTheConversationsThatFluxTakes(String quoted) throws IOException {
        agree("ChatCompletionRequest", (requests, body) -> requests.chat(body, null, ""), quoted);
    }

    @ParameterizedTest
    @MethodSource("completions")
    void theDocumentAllowsTheTextsThatFluxGoesOnWith(String quoted) throws IOException {
        agree("CompletionRequest", (requests, body) -> requests.completion(body, null, ""), quoted);
    }

    private static void agree(String schema, BiConsumer<Requests, Object> read, String quoted) throws IOException {
        String body = quoted.replace('\'', '"');
        Requests requests = new Requests(reader(), JSON, Clock.systemUTC(), () -> 4096);
        assertThat(allows(HTTP, ApiDocument.named(schema), body)).as(body).isEqualTo(takes(requests, read, body));
    }

    private static MessageReader reader() {
        return new MessageReader(JSON, 262_144, () -> "new");
    }

    private static boolean allows(ApiDocument document, JsonNode schema, String text) {
        try {
            return document.problems(schema, JSON.readTree(text)).isEmpty();
        } catch (IOException e) {
            throw new AssertionError("not JSON: " + text, e);
        }
    }

    private static <R> boolean takes(R reader, BiConsumer<R, Object> read, String text) {
        try {
            read.accept(reader, text);
            return true;
        } catch (Refusal refusal) {
            assertThat(refusal.event().code()).isEqualTo("invalid_request");
            return false;
        }
    }
}
