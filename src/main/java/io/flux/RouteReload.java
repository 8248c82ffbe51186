package io.flux;

import io.flux.worker.Slots;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.Route;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.RouteWatcherReloadStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;

/**
 * Makes an edited route file take effect when it is saved. Camel's own watcher does it for routes: it replaces those of
 * the file and leaves the rest, and the sockets, alone. Two kinds of file hold templates, whose routes somebody else
 * makes: the slots are opened anew, and an engine's kamelet is dropped together with the route that uses it, which finds
 * the new one when it is loaded again. A job that runs is finished first.
 */
final class RouteReload {
    private static final Logger LOG = LoggerFactory.getLogger(RouteReload.class);
    private static final String ROUTES = "*.camel.yaml";
    private static final String SLOT_TEMPLATE = "/slot.camel.yaml";
    private static final String KAMELETS = "*.kamelet.yaml";

    private final CamelContext camel;
    private final Path folder;
    private final ObjectProvider<Slots> slots;

    RouteReload(CamelContext camel, Path folder, ObjectProvider<Slots> slots) {
        this.camel = camel;
        this.folder = folder;
        this.slots = slots;
    }

    /** Watches the bundles' folders, and the engines' where there is a worker. */
    void watch(List<String> bundles) throws Exception {
        for (String bundle : bundles) {
            camel.addService(new Watcher(folder.resolve(bundle), ROUTES, this::reload));
        }
        if (bundles.contains("worker")) {
            camel.addService(new Watcher(folder.resolve("engines"), KAMELETS, (kamelet, load) -> reloadEngines()));
        }
    }

    private void reload(Resource routes, Runnable load) throws Exception {
        if (!routes.getLocation().endsWith(SLOT_TEMPLATE)) {
            load.run();
            return;
        }
        slots.getObject().close();
        camel.removeRouteTemplates(Slots.TEMPLATE);
        load.run();
        slots.getObject().open();
    }

    private void reloadEngines() throws Exception {
        // Nothing is in the routes to be swapped when no slot is open.
        slots.getObject().close();
        camel.getRouteController().stopRoute("worker-serve");
        for (String engine : engines()) {
            for (Route route : List.copyOf(camel.getRoutes())) {
                // Camel names it so. Kamelets that are no engines stay: whoever uses them would not find another.
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
        PluginHelper.getRoutesLoader(camel)
                .updateRoutes(PluginHelper.getResourceLoader(camel)
                        .resolveResource("file:" + folder.resolve("worker/serve.camel.yaml")));
        slots.getObject().open();
    }

    private List<String> engines() throws IOException {
        List<String> names = new ArrayList<>();
        try (var kamelets = Files.newDirectoryStream(folder.resolve("engines"), KAMELETS)) {
            kamelets.forEach(file -> names.add(file.getFileName().toString().replace(".kamelet.yaml", "")));
        }
        return names;
    }

    /** What is to be done for a saved file. */
    private interface Reload {
        /**
         * @param load has Camel replace the routes of the file
         */
        void of(Resource file, Runnable load) throws Exception;
    }

    /** Camel's watcher of one folder, with a word of what it did. */
    private static final class Watcher extends RouteWatcherReloadStrategy {
        Watcher(Path folder, String pattern, Reload reload) {
            super(folder.toString());
            setPattern(pattern);
            setRemoveAllRoutes(false);
            setResourceReload((name, resource) -> {
                reload.of(resource, () -> onRouteReload(List.of(resource), false));
                LOG.info("{} is live", name);
            });
        }
    }
}
