package io.flux.e2e;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a page of {@code GET /metrics} has, in Prometheus' text format. */
final class Exported {
    private static final Pattern SAMPLE = Pattern.compile("(\\w+)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"");
    /** Labels that a histogram's own samples have. */
    private static final Set<String> OF_BUCKETS = Set.of("le");

    private Exported() {}

    /** A family: counter, gauge, histogram or summary; the names of its labels. */
    record Family(String type, Set<String> labels, String help) {}

    /** The families of some pages, by name. A label that one sample of a family has is a label of it. */
    static Map<String, Family> families(String... pages) {
        Map<String, Family> families = new TreeMap<>();
        for (String page : pages) {
            String name = "";
            String help = "";
            for (String line : page.split("\n")) {
                if (line.startsWith("# HELP ")) {
                    help = line.split(" ", 4)[3];
                } else if (line.startsWith("# TYPE ")) {
                    name = line.split(" ")[2];
                    families.putIfAbsent(name, new Family(line.split(" ")[3], new TreeSet<>(), help));
                } else {
                    Matcher sample = SAMPLE.matcher(line);
                    if (sample.matches() && sample.group(2) != null) {
                        Matcher label = LABEL.matcher(sample.group(2));
                        while (label.find()) {
                            if (!OF_BUCKETS.contains(label.group(1))) {
                                families.get(name).labels().add(label.group(1));
                            }
                        }
                    }
                }
            }
        }
        return families;
    }

    /** The names that an expression may ask for: a histogram has three. */
    static Set<String> series(Map<String, Family> families) {
        Set<String> series = new TreeSet<>();
        families.forEach((name, family) -> {
            switch (family.type()) {
                case "histogram" -> series.addAll(Set.of(name + "_bucket", name + "_count", name + "_sum"));
                case "summary" -> series.addAll(Set.of(name + "_count", name + "_sum"));
                default -> series.add(name);
            }
        });
        return series;
    }

    /** The sum of a family's samples whose labels have all of these, written as {@code name="value"}. */
    static double sum(String page, String name, String... labels) {
        double sum = 0;
        for (String line : page.split("\n")) {
            Matcher sample = SAMPLE.matcher(line);
            if (sample.matches() && sample.group(1).equals(name)) {
                String has = sample.group(2) == null ? "" : sample.group(2);
                if (Set.of(labels).stream().allMatch(has::contains)) {
                    sum += Double.parseDouble(sample.group(3));
                }
            }
        }
        return sum;
    }
}
