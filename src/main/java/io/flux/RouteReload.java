package io.flux;

import io.flux.observe.Health;
import io.flux.worker.Slots;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.Route;
import org.apache.camel.spi.RoutesLoader;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.RouteWatcherReloadStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;

/**
 * Makes an edited route file take effect when it is saved, and keeps what runs when the file is wrong:
 *
 * <pre>
 *   saved ─▶ written to its end? ─▶ checked, beside what runs ─▶ takes the place of the old one ─▶ live
 *                                        │ wrong                      │ fails
 *                                        ▼                            ▼
 *                                  nothing changes               the old one is put back
 * </pre>
 *
 * What is wrong is one line of the log and a part of {@code /health} until the file is right; the process serves all the
 * while, so it stays ready. Routes of a file are replaced and the rest, and the sockets, left alone. Two kinds of file hold
 * templates, whose routes others make: the slots are opened anew, and after a kamelet in {@code engines} all engines are
 * loaded again with the route that uses them. A job that runs is finished first.
 *
 * <p>Files are handled one at a time, by the thread of the folder's watcher, which nothing that is in a file can end.
 */
final class RouteReload implements Health.Readiness {
    private static final Logger LOG = LoggerFactory.getLogger(RouteReload.class);
    private static final String ROUTES = "*.camel.yaml";
    private static final String SLOT_TEMPLATE = "slot.camel.yaml";
    private static final String KAMELETS = "*.kamelet.yaml";
    private static final String SERVE = "worker/serve.camel.yaml";

    /** A text that is the same for so long is written to its end; programs that empty a file first fill it sooner. */
    private static final long SETTLED_MS = 150;
    /** The same for a file that is empty or not there. */
    private static final long SETTLED_EMPTY_MS = 1000;

    private static final long MAX_SETTLING_MS = 10_000;
    private static final long STEP_MS = 50;

    private final CamelContext camel;
    private final Path folder;
    private final ObjectProvider<Slots> slots;
    private final RouteFileCheck check;
    /** What runs, by file. Guarded by this. */
    private final Map<Path, String> live = new HashMap<>();
    /** What each file held when it was looked at last; null when it was not there. Guarded by this. */
    private final Map<Path, String> seen = new HashMap<>();

    private final Map<String, String> problems = new ConcurrentSkipListMap<>();

    RouteReload(CamelContext camel, Path folder, ObjectProvider<Slots> slots, RouteFileCheck check) {
        this.camel = camel;
        this.folder = folder;
        this.slots = slots;
        this.check = check;
    }

    /** Watches the bundles' folders, and the engines' where there is a worker. */
    void watch(List<String> bundles) throws Exception {
        for (String bundle : bundles) {
            watch(folder.resolve(bundle), ROUTES);
        }
        if (bundles.contains("worker")) {
            watch(folder.resolve("engines"), KAMELETS);
        }
    }

    private void watch(Path watched, String pattern) throws Exception {
        synchronized (this) {
            try (Stream<Path> files = Files.list(watched)) {
                for (Path file : files.filter(name -> name.toString().endsWith(pattern.substring(1)))
                        .toList()) {
                    live.put(file, Files.readString(file));
                }
            }
            seen.putAll(live);
        }
        RouteWatcherReloadStrategy watcher = new RouteWatcherReloadStrategy(watched.toString());
        watcher.setPattern(pattern);
        watcher.setRemoveAllRoutes(false);
        watcher.setResourceReload(
                (name, resource) -> saved(watched.resolve(Path.of(name).getFileName())));
        camel.addService(watcher);
    }

    @Override
    public String name() {
        return "reload";
    }

    @Override
    public String problem() {
        return problems.isEmpty() ? null : String.join("; ", problems.values());
    }

    /** What is wrong is wrong with a file and not with what runs. */
    @Override
    public boolean isServing() {
        return true;
    }

    /** Does what follows from a change of a file. Throws nothing: the watcher would end. */
    private synchronized void saved(Path file) {
        String name = folder.relativize(file).toString();
        try {
            String text = settled(file);
            if (seen.containsKey(file) && Objects.equals(seen.get(file), text)) {
                return; // told more than once of one change
            }
            seen.put(file, text);
            if (text == null) {
                problems.remove(name);
                LOG.warn(
                        "{} is deleted{}",
                        name,
                        live.containsKey(file) ? "; what it held goes on until the next start" : "");
                return;
            }
            apply(file, text);
            problems.remove(name);
            LOG.info("{} is live", name);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RouteFileCheck.Wrong e) {
            report(name, e.getMessage(), live.containsKey(file));
        } catch (CharacterCodingException e) {
            report(name, "the file is not UTF-8", live.containsKey(file));
        } catch (Throwable e) { // an Error too: the next save may be right
            String text = Objects.requireNonNullElse(seen.get(file), "");
            report(name, RouteFileCheck.sentence(e, text), live.containsKey(file));
            LOG.debug("{} could not be loaded", name, e);
        }
    }

    private void report(String name, String reason, boolean runs) {
        String sentence = name + " " + reason.replaceAll("\\s+", " ")
                + (runs ? "; what it held before goes on" : "; nothing of it runs");
        if (!sentence.equals(problems.put(name, sentence))) {
            LOG.warn("{}", sentence);
        }
    }

    /** The file's text when it has stayed the same for a moment; null when it is not there. */
    private static String settled(Path file) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        long since = begin;
        String text = read(file);
        while (true) {
            long same = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since);
            long enough = text == null || text.isBlank() ? SETTLED_EMPTY_MS : SETTLED_MS;
            if (same >= enough || TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin) >= MAX_SETTLING_MS) {
                return text;
            }
            TimeUnit.MILLISECONDS.sleep(STEP_MS);
            String now = read(file);
            if (!Objects.equals(now, text)) {
                text = now;
                since = System.nanoTime();
            }
        }
    }

    private static String read(Path file) throws IOException {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private void apply(Path file, String text) throws Exception {
        RouteFileCheck.Content content = check.check(file, text);
        String before = live.get(file);
        if (text.equals(before)) {
            return; // back to what runs
        }
        if (file.toString().endsWith(KAMELETS.substring(1))) {
            Map<Path, String> kamelets = kamelets();
            kamelets.put(file, text);
            swap(file, text, () -> loadEngines(kamelets), () -> loadEngines(kamelets()));
        } else if (file.getFileName().toString().equals(SLOT_TEMPLATE)) {
            if (!content.templates().contains(Slots.TEMPLATE)) {
                throw new RouteFileCheck.Wrong(1, "the file must hold the routeTemplate " + Slots.TEMPLATE);
            }
            swap(file, text, () -> loadSlots(file, text), () -> loadSlots(file, before));
        } else {
            List<String> old =
                    before == null ? List.of() : check.check(file, before).routes();
            swap(file, text, () -> loadRoutes(file, text, old, content.routes()), () -> {
                if (before == null) {
                    remove(content.routes());
                } else {
                    loadRoutes(file, before, content.routes(), old);
                }
            });
        }
    }

    private interface Step {
        void run() throws Exception;
    }

    /** Puts the new one in the place of the old one, or the old one back. */
    private void swap(Path file, String text, Step load, Step restore) throws Exception {
        try {
            load.run();
            live.put(file, text);
        } catch (Exception | Error e) {
            try {
                restore.run();
            } catch (Exception | Error again) {
                live.remove(file);
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    private void loadRoutes(Path file, String text, List<String> before, List<String> after) throws Exception {
        remove(before.stream().filter(id -> !after.contains(id)).toList());
        loader().updateRoutes(RouteFileCheck.resource(file, text));
    }

    private void remove(List<String> routes) throws Exception {
        for (String route : routes) {
            if (camel.getRoute(route) != null) {
                camel.getRouteController().stopRoute(route);
                camel.removeRoute(route);
            }
        }
    }

    private void loadSlots(Path file, String text) throws Exception {
        slots.getObject().close();
        camel.removeRouteTemplates(Slots.TEMPLATE);
        loader().updateRoutes(RouteFileCheck.resource(file, text));
        slots.getObject().open();
    }

    private Map<Path, String> kamelets() {
        Map<Path, String> kamelets = new TreeMap<>();
        live.forEach((file, text) -> {
            if (file.toString().endsWith(KAMELETS.substring(1))) {
                kamelets.put(file, text);
            }
        });
        return kamelets;
    }

    private void loadEngines(Map<Path, String> kamelets) throws Exception {
        // Nothing is in the routes to be swapped when no slot is open.
        slots.getObject().close();
        camel.getRouteController().stopRoute("worker-serve");
        for (Path file : kamelets.keySet()) {
            String engine = file.getFileName().toString().replace(KAMELETS.substring(1), "");
            for (Route route : List.copyOf(camel.getRoutes())) {
                // Camel names it so. Kamelets that are no engines stay: what uses them would not find another.
                if (route.isCreatedByKamelet() && route.getRouteId().startsWith(engine + "-")) {
                    camel.getRouteController().stopRoute(route.getRouteId());
                    camel.removeRoute(route.getRouteId());
                }
            }
            for (Endpoint endpoint : List.copyOf(camel.getEndpoints())) {
                if (endpoint.getEndpointUri().matches("kamelet:(//)?" + Pattern.quote(engine) + "([?/].*)?")) {
                    camel.removeEndpoint(endpoint);
                }
            }
            camel.removeRouteTemplates(engine);
        }
        // From what was checked, and not from the folder, where another file may be wrong.
        for (Map.Entry<Path, String> kamelet : kamelets.entrySet()) {
            loader().loadRoutes(RouteFileCheck.resource(kamelet.getKey(), kamelet.getValue()));
        }
        Path serve = folder.resolve(SERVE);
        loader().updateRoutes(RouteFileCheck.resource(serve, live.get(serve)));
        slots.getObject().open();
    }

    private RoutesLoader loader() {
        return PluginHelper.getRoutesLoader(camel);
    }
}
