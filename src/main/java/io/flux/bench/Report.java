package io.flux.bench;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a bench has found, as it is written down. */
public final class Report {
    private static final String EXACT = "answers exact";
    private static final String CHECKED = "answers checked";

    private final List<Finding> findings = new ArrayList<>();

    /** Adds what a scenario has found. */
    public void add(Finding finding) {
        findings.add(finding);
    }

    /** What was found so far, in order. */
    public List<Finding> findings() {
        return List.copyOf(findings);
    }

    /** Whether every answer was exact and nothing was lost. */
    public boolean isWhole() {
        return findings.stream().allMatch(finding -> finding.problems().isEmpty());
    }

    /** As data: the machine, and for each scenario its figures by their names. */
    public Map<String, Object> data() {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("processors", Runtime.getRuntime().availableProcessors());
        machine.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        machine.put("java", Runtime.version().toString());
        Map<String, Object> scenarios = new LinkedHashMap<>();
        for (Finding finding : findings) {
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put(CHECKED, finding.streams());
            figures.put(EXACT, finding.exact());
            finding.measures().forEach(measure -> figures.put(measure.name(), number(measure.value())));
            scenarios.put(finding.scenario(), figures);
        }
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("at", Instant.now().toString());
        data.put("machine", machine);
        data.put("scenarios", scenarios);
        return data;
    }

    /** JSON knows no number that is none. */
    private static Double number(double value) {
        return Double.isFinite(value) ? (Double) (Math.round(value * 1000) / 1000.0) : null;
    }
}
