package io.flux.bench;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A {@link ScaleDrill.Run} as a picture (SVG): jobs above, workers below, over the same time. */
public final class ScaleChart {
    private static final int WIDTH = 900;
    private static final int LEFT = 56;
    private static final int RIGHT = 16;
    private static final int PANEL = 170;
    private static final int GAP = 56;
    private static final int TOP = 40;
    private static final int HEIGHT = TOP + 2 * PANEL + GAP + 44;

    private final List<ScaleSample> samples;
    private final double end;
    private final StringBuilder svg = new StringBuilder();

    private record Line(String name, String colour, boolean filled, ToDoubleFunction<ScaleSample> value) {}

    private ScaleChart(List<ScaleSample> samples) {
        this.samples = samples;
        this.end = Math.max(1, samples.get(samples.size() - 1).seconds());
    }

    /** The picture, as the text of a file. */
    public static String of(ScaleDrill.Run run) {
        return new ScaleChart(run.samples()).draw();
    }

    private String draw() {
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">",
                WIDTH, HEIGHT);
        add("<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>", WIDTH, HEIGHT);
        panel(
                TOP,
                "jobs",
                List.of(
                        new Line("waiting", "#d97706", true, ScaleSample::waiting),
                        new Line("running", "#2563eb", false, ScaleSample::running)));
        panel(
                TOP + PANEL + GAP,
                "workers",
                List.of(
                        new Line("ready", "#16a34a", true, ScaleSample::ready),
                        new Line("wanted", "#111827", false, ScaleSample::wanted),
                        new Line("told to end, finishing", "#dc2626", false, ScaleSample::leaving)));
        add("<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#374151\">seconds</text>", WIDTH - RIGHT, HEIGHT - 8);
        return svg.append("</svg>\n").toString();
    }

    private void panel(int top, String name, List<Line> lines) {
        double most = lines.stream()
                .flatMapToDouble(line -> samples.stream().mapToDouble(line.value))
                .max()
                .orElse(0);
        double step = step(most, 4);
        double scale = Math.max(step, Math.ceil(most / step) * step);
        for (double value = 0; value <= scale; value += step) {
            double y = top + PANEL * (1 - value / scale);
            add("<path d=\"M%d %.1fH%d\" stroke=\"#e5e7eb\"/>", LEFT, y, WIDTH - RIGHT);
            add("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#374151\">%.0f</text>", LEFT - 8, y + 4, value);
        }
        double seconds = step(end, 10);
        for (double at = 0; at <= end; at += seconds) {
            add(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">%.0f</text>",
                    x(at), top + PANEL + 18, at);
        }
        int legend = LEFT;
        add("<text x=\"%d\" y=\"%d\" font-weight=\"bold\" fill=\"#111827\">%s</text>", legend, top - 12, name);
        legend += 80;
        for (Line line : lines) {
            line(line, top, scale);
            add("<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>", legend, top - 18, line.colour);
            add("<text x=\"%d\" y=\"%d\" fill=\"#111827\">%s</text>", legend + 20, top - 12, line.name);
            legend += 40 + 7 * line.name.length();
        }
    }

    private void line(Line line, int top, double scale) {
        StringBuilder path = new StringBuilder();
        for (ScaleSample sample : samples) {
            double y = top + PANEL * (1 - line.value.applyAsDouble(sample) / scale);
            path.append(
                    path.isEmpty()
                            ? String.format(Locale.ROOT, "M%.1f %.1f", x(sample.seconds()), y)
                            : String.format(Locale.ROOT, "H%.1fV%.1f", x(sample.seconds()), y));
        }
        if (line.filled) {
            add("<path d=\"%sV%dH%dZ\" fill=\"%s\" fill-opacity=\".18\"/>", path, top + PANEL, LEFT, line.colour);
        }
        add("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>", path, line.colour);
    }

    private double x(double seconds) {
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / end;
    }

    /** A round number of which about so many reach the value. */
    private static double step(double value, int parts) {
        double rough = Math.max(value / parts, 1);
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digit = rough / power;
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    }

    private void add(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
