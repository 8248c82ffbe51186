package io.flux.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.bench.Finding;
import io.flux.bench.Measure;
import io.flux.bench.Report;
import java.util.Locale;

/** A bench's findings as text. */
final class ReportTable {
    private final JsonNode before;

    /** @param before an earlier report's data, to compare with; null for none */
    ReportTable(JsonNode before) {
        this.before = before;
    }

    /** One scenario. */
    String of(Finding finding) {
        StringBuilder text = new StringBuilder(finding.scenario() + "  " + finding.what() + "\n");
        if (finding.streams() > 0) {
            text.append(String.format(
                    Locale.ROOT, "  %-46s %12s%n", "answers exact", finding.exact() + " of " + finding.streams()));
        }
        for (Measure measure : finding.measures()) {
            String line = String.format(
                    Locale.ROOT,
                    "  %-46s %12s%-14s%s",
                    measure.name(),
                    number(measure.value()),
                    budget(measure),
                    compared(finding, measure));
            text.append(line.stripTrailing()).append('\n');
        }
        return text.append('\n').toString();
    }

    private static String budget(Measure measure) {
        if (measure.budget() == null) {
            return "";
        }
        return (measure.isMet() ? "  " : " !")
                + (measure.budget().most() ? "≤ " : "≥ ")
                + number(measure.budget().limit());
    }

    private String compared(Finding finding, Measure measure) {
        JsonNode was = before == null
                ? null
                : before.path("scenarios").path(finding.scenario()).get(measure.name());
        if (was == null || !was.isNumber()) {
            return "";
        }
        double change = was.asDouble() == 0 ? 0 : 100 * (measure.value() / was.asDouble() - 1);
        return String.format(Locale.ROOT, "  was %s (%+.0f %%)", number(was.asDouble()), change);
    }

    /** What is to be said at the end. */
    String end(Report report) {
        long missed = report.findings().stream()
                .flatMap(finding -> finding.measures().stream())
                .filter(measure -> !measure.isMet())
                .count();
        int streams = report.findings().stream().mapToInt(Finding::streams).sum();
        int exact = report.findings().stream().mapToInt(Finding::exact).sum();
        return exact + " of " + streams + " answers exact; "
                + (missed == 0 ? "every budget is met" : "budgets missed: " + missed + ", marked with !") + "\n";
    }

    /** Three digits that count. */
    private static String number(double value) {
        if (!Double.isFinite(value)) {
            return "unknown";
        }
        double size = Math.abs(value);
        String pattern = value == Math.rint(value) || size >= 1000
                ? "%,.0f"
                : size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, pattern, value);
    }
}
