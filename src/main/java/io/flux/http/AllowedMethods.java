package io.flux.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The methods that a path takes, for the header {@code Allow} of a 405. Vert.x knows them, but tells only where no
 * error handler is set.
 */
final class AllowedMethods {
    private static final String PATTERN = "pattern";
    private static final Pattern PARAMETER = Pattern.compile(":[^/]+");

    private AllowedMethods() {}

    /** A route for GET and HEAD whose paths are a regular expression, which is not kept by Vert.x to be asked for. */
    static Route get(Router router, String paths) {
        return router.routeWithRegex(paths)
                .method(HttpMethod.GET)
                .method(HttpMethod.HEAD)
                .putMetadata(PATTERN, Pattern.compile(paths));
    }

    /**
     * Separated by commas, in alphabetical order; empty when no route has the path.
     *
     * @param path normalised
     */
    static String of(Router router, String path) {
        return router.getRoutes().stream()
                .filter(route -> route.methods() != null && matches(route, path))
                .flatMap(route -> names(route.methods()))
                .collect(Collectors.toCollection(TreeSet::new))
                .stream()
                .collect(Collectors.joining(", "));
    }

    private static Stream<String> names(Set<HttpMethod> methods) {
        return methods.stream().map(HttpMethod::name);
    }

    private static boolean matches(Route route, String path) {
        Pattern pattern = route.getMetadata(PATTERN);
        if (pattern != null) {
            return pattern.matcher(path).matches();
        }
        return route.getPath() != null
                && path.matches(Stream.of(route.getPath().split("/", -1))
                        .map(part -> PARAMETER.matcher(part).matches() ? "[^/]+" : Pattern.quote(part))
                        .collect(Collectors.joining("/")));
    }
}
