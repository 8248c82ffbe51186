package io.flux.http;

import io.flux.FluxProperties;
import io.flux.access.WatchedKeys;
import io.flux.model.Admission;
import io.flux.observe.Health;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.impl.MimeMapping;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.handler.StaticHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/** The server, its router, and the two Camel components that hang their paths on it. */
@Configuration(proxyBeanMethods = false)
public class HttpConfiguration {
    /** Above the message bound, so that a message that is too large is answered and not cut off with its socket. */
    private static final int TRANSPORT_FACTOR = 4;

    private static final int LAST = 1_000_000;
    /** A client that has read nothing for so many pings has gone. */
    private static final int UNREAD_PINGS = 4;

    /** What is told to whoever asks, besides the files of the page. */
    private static final Set<String> OPEN = Set.of("/", "/health", "/health/live");

    /**
     * Its threads serve clients and Redis alike. They only move bytes: one of them does so for tens of thousands of tokens a second,
     * and what is read and written on the same one is handed over to nobody.
     */
    @Bean
    Vertx vertx() {
        return Vertx.vertx(new VertxOptions()
                .setPreferNativeTransport(true)
                .setEventLoopPoolSize(Math.max(1, Runtime.getRuntime().availableProcessors() / 2)));
    }

    @Bean
    Router httpRouter(
            Vertx vertx,
            FluxProperties flux,
            ObjectProvider<WatchedKeys> keys,
            ObjectProvider<Admission> admission,
            ObjectProvider<Health> health) {
        Router router = Router.router(vertx);
        router.route().order(-3).handler(new ParameterGuard());
        router.route().order(-2).handler(new OriginGuard(flux.allowedOrigins()));
        if (flux.keysRequired()) {
            Set<String> files = pageFiles();
            router.route()
                    .order(-1)
                    .handler(new KeyGuard(keys.getObject()::find, path -> OPEN.contains(path) || files.contains(path)));
        }
        // Before every route that has a path: one that matches makes Vert.x forget why those before it did not.
        router.route().handler(new Overload(vertx));
        router.get(Liveness.PATH)
                .method(HttpMethod.HEAD)
                .produces("application/json")
                .handler(new Liveness(() -> health.getObject().life()));
        if (flux.gateway()) {
            page(router);
            ApiDocuments.serve(router, LAST, () -> admission.getObject().largestMaxTokens());
        }
        HttpErrors.install(router);
        return router;
    }

    @Bean
    RequestBody requestBody(FluxProperties flux) {
        return new RequestBody(flux.messageLimit());
    }

    /** The paths of the page, which asks for the key: what it is made of is no secret. */
    private static Set<String> pageFiles() {
        try {
            return Arrays.stream(new PathMatchingResourcePatternResolver().getResources("classpath:web/*.*"))
                    .map(file -> "/" + file.getFilename())
                    .collect(Collectors.toUnmodifiableSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As the handler of files says for GET, and not for HEAD. */
    private static String contentType(String path) {
        String type = MimeMapping.getMimeTypeForFilename(path.endsWith("/") ? "index.html" : path);
        return type.startsWith("text/") ? type + ";charset=UTF-8" : type;
    }

    /** Its paths and no others: elsewhere a request is told what is wrong with it, and not that there is no such file. */
    private static void page(Router router) {
        String files = pageFiles().stream().map(Pattern::quote).collect(Collectors.joining("|", "/|", ""));
        AllowedMethods.get(router, files).order(LAST).handler(context -> {
            context.response()
                    .putHeader(
                            "Content-Security-Policy",
                            "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
                                    + "base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
                    .putHeader("Cache-Control", "no-cache")
                    .putHeader("X-Content-Type-Options", "nosniff")
                    .putHeader("Referrer-Policy", "no-referrer");
            if (context.request().method().equals(HttpMethod.HEAD)) {
                context.response()
                        .putHeader("Content-Type", contentType(context.request().path()));
            }
            context.next();
        });
        AllowedMethods.get(router, files)
                .order(LAST + 1)
                .handler(StaticHandler.create("web").setCachingEnabled(false));
    }

    @Bean("vertx-websocket")
    SharedServerWebSocketComponent webSocketComponent(
            Vertx vertx,
            Router router,
            ObjectProvider<SharedServerWebSocketComponent.Opening> opening,
            Connections connections) {
        SharedServerWebSocketComponent component = new SharedServerWebSocketComponent(
                (key, socket, user) -> opening.getObject().opened(key, socket, user), connections.budget());
        component.setVertx(vertx);
        component.setRouter(router);
        return component;
    }

    /** Not closed by Spring: {@code Lifecycle} decides when. */
    @Bean(destroyMethod = "")
    HttpServing httpServing(Vertx vertx, Router router, FluxProperties flux, Connections connections) {
        int largest = flux.messageLimit() * TRANSPORT_FACTOR;
        return new HttpServing(
                vertx,
                new HostGuard(hosts(flux), router),
                new HttpServerOptions()
                        .setHost(flux.host())
                        .setPort(flux.port())
                        .setTcpNoDelay(true)
                        .setMaxWebSocketFrameSize(largest)
                        .setMaxWebSocketMessageSize(largest)
                        .setWebSocketSubProtocols(List.of("flux.v1")),
                flux.tlsCert().isBlank()
                        ? null
                        : new Certificate(vertx, Path.of(flux.tlsCert()), Path.of(flux.tlsKey())),
                connections);
    }

    @Bean
    Connections connections(Vertx vertx, FluxProperties flux) {
        return new Connections(
                vertx,
                new Connections.Limits(
                        flux.requestTimeout(), flux.idleTimeout(), flux.ping().multipliedBy(UNREAD_PINGS)),
                InputBudget.ofHeap(flux.messageLimit()));
    }

    /** Without keys, which hosts a request may name. Only a process without doors listens on a public address then. */
    private static HostGuard.Rule hosts(FluxProperties flux) {
        return flux.keysRequired()
                ? HostGuard.any()
                : HostGuard.known(flux.host(), flux.allowedOrigins(), !flux.gateway());
    }
}
