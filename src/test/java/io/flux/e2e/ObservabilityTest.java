package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The dashboard and the alerts are whole, and the documents say what to do. Which metrics they name, MetricsIT checks. */
class ObservabilityTest {
    private static final Path DOCUMENT = Path.of("docs/alerts.md");
    private static final Pattern SECTION = Pattern.compile("(?m)^## (\\w+)\n\n`(\\w+)`, (?:after (\\w+)|at once)\\.$");

    @Test
    @SuppressWarnings("unchecked")
    void everyAlertSaysHowBadItIsAndWhereItsRemedyStands() throws IOException {
        for (Map<String, Object> rule : Observability.rules()) {
            String name = rule.get("alert").toString();
            Map<String, String> annotations = (Map<String, String>) rule.get("annotations");
            assertThat((Map<String, String>) rule.get("labels"))
                    .as(name)
                    .hasEntrySatisfying(
                            "severity", severity -> assertThat(severity).isIn("critical", "warning"));
            assertThat(annotations).as(name).containsOnlyKeys("summary", "description", "runbook_url");
            assertThat(annotations.values()).as(name).noneMatch(String::isBlank);
            assertThat(annotations.get("runbook_url")).isEqualTo("docs/alerts.md#" + name.toLowerCase(Locale.ROOT));
        }
    }

    @Test
    @SuppressWarnings("unchecked")
    void everyAlertHasItsSectionWithMeaningLookAndRemedyAndNoOtherHas() throws IOException {
        String document = Files.readString(DOCUMENT);
        List<String> sections = new ArrayList<>();
        for (MatchResult section : SECTION.matcher(document).results().toList()) {
            sections.add(section.group(1) + " " + section.group(2) + " "
                    + (section.group(3) == null ? "0m" : section.group(3)));
        }
        List<String> rules = new ArrayList<>();
        for (Map<String, Object> rule : Observability.rules()) {
            rules.add(rule.get("alert") + " " + ((Map<String, String>) rule.get("labels")).get("severity") + " "
                    + rule.get("for"));
        }
        assertThat(sections).containsExactlyElementsOf(rules);
        assertThat(document.split("\n\\*\\*Look:\\*\\* ", -1)).hasSize(rules.size() + 1);
        assertThat(document.split("\n\\*\\*Remedy:\\*\\* ", -1)).hasSize(rules.size() + 1);
    }

    @Test
    void promtoolTakesTheRulesAndTheyFireWhenTheyAreTo(@TempDir Path folder) throws Exception {
        Path promtool = Machine.inPath("promtool");
        Observability.writeRules(folder.resolve("alerts.rules.yaml"));
        Files.copy(Observability.FOLDER.resolve("alerts.test.yaml"), folder.resolve("alerts.test.yaml"));
        run(folder, promtool.toString(), "check", "rules", "alerts.rules.yaml");
        run(folder, promtool.toString(), "test", "rules", "alerts.test.yaml");
    }

    private static void run(Path folder, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }

    @Test
    void everyPanelHasATitleAUnitAndADescriptionAndAsksTheChosenSource() throws IOException {
        assertThat(Observability.panels()).isNotEmpty().allSatisfy(panel -> {
            assertThat(panel.path("title").asText()).isNotBlank();
            assertThat(panel.path("description").asText()).isNotBlank();
            assertThat(panel.at("/fieldConfig/defaults/unit").asText()).isNotBlank();
            assertThat(panel.get("targets")).isNotEmpty().allSatisfy(target -> {
                assertThat(target.at("/datasource/uid").asText()).isEqualTo("${datasource}");
                assertThat(target.path("legendFormat").asText()).isNotBlank();
            });
        });
    }

    @Test
    void panelsAreInRowsAndDoNotCoverEachOther() throws IOException {
        JsonNode panels = Observability.dashboard().get("panels");
        assertThat(panels.get(0).get("type").asText()).isEqualTo("row");
        List<String> cells = new ArrayList<>();
        List<Integer> ids = new ArrayList<>();
        for (JsonNode panel : panels) {
            JsonNode place = panel.get("gridPos");
            ids.add(panel.get("id").asInt());
            for (int x = place.get("x").asInt();
                    x < place.get("x").asInt() + place.get("w").asInt();
                    x++) {
                for (int y = place.get("y").asInt();
                        y < place.get("y").asInt() + place.get("h").asInt();
                        y++) {
                    assertThat(x).isLessThan(24);
                    cells.add(x + "," + y);
                }
            }
        }
        assertThat(cells).doesNotHaveDuplicates();
        assertThat(ids).doesNotHaveDuplicates();
    }

    @Test
    void theDashboardLetsOneChooseTheSourceAndTheModelAndLoadsNothingFromElsewhere() throws IOException {
        assertThat(StreamSupport.stream(
                                Observability.dashboard().at("/templating/list").spliterator(), false)
                        .map(variable -> variable.get("name").asText()))
                .containsExactly("datasource", "model");
        assertThat(Observability.dashboard().toString()).doesNotContain("http://", "https://");
    }

    @Test
    void anExpressionIsTakenApartIntoItsSeriesAndLabels() {
        assertThat(Observability.expression(
                        "histogram_quantile(0.9, sum by (le, model) (rate(a_bucket{m=~\"x{}|y\"}[5m])))"
                                + " unless on (model) (b:c > 1e3 and d offset 5m == bool 2)"))
                .extracting(Observability.Expression::series, Observability.Expression::labels)
                .containsExactly(Set.of("a_bucket", "b:c", "d"), Set.of("le", "m", "model"));
    }
}
