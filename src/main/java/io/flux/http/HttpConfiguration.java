package io.flux.http;

import io.flux.FluxProperties;
import io.flux.access.WatchedKeys;
import io.flux.job.Event;
import io.flux.observe.Health;
import io.flux.openai.ApiError;
import io.netty.channel.unix.Errors;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.HttpException;
import io.vertx.ext.web.handler.StaticHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpEngine;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
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

    private static final Map<Integer, String> CODES = Map.of(
            400, "invalid_request",
            401, "unauthorized",
            403, "forbidden",
            404, "not_found",
            405, "method_not_allowed",
            406, "invalid_request",
            413, "invalid_request",
            415, "invalid_request",
            500, "internal_error",
            503, "unavailable");

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

    /** Found by its name: camel-platform-http asks for a router of its port, and for that of port 0 when there is none. */
    @Bean("platform-http-router-0")
    VertxPlatformHttpRouter httpRouter(
            Vertx vertx, FluxProperties flux, ObjectProvider<WatchedKeys> keys, ObjectProvider<Health> health) {
        Router router = Router.router(vertx);
        router.route().order(-4).failureHandler(HttpConfiguration::unlessGone);
        router.route().order(-3).handler(new ParameterGuard());
        router.route().order(-2).handler(new OriginGuard(flux.allowedOrigins()));
        if (flux.keysRequired()) {
            Set<String> files = pageFiles();
            router.route()
                    .order(-1)
                    .handler(new KeyGuard(keys.getObject()::find, path -> OPEN.contains(path) || files.contains(path)));
        }
        router.route(Liveness.PATH)
                .handler(new Liveness(() -> health.getObject().life()));
        router.route().handler(new Overload(vertx));
        if (flux.gateway()) {
            page(router);
        }
        CODES.keySet().forEach(status -> router.errorHandler(status, error(status)));
        return new VertxPlatformHttpRouter(null, vertx, router, "platform-http-router-0") {
            @Override
            public Handler<RoutingContext> bodyHandler() {
                return BodyHandler.create(false).setBodyLimit(flux.messageLimit());
            }
        };
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

    /** A client that leaves while its request is read is no failure of anybody's, and hears nothing any more. */
    private static void unlessGone(RoutingContext context) {
        Throwable failure = context.failure();
        if (!(failure instanceof HttpClosedException
                || failure instanceof SocketException
                || failure instanceof Errors.NativeIoException)) {
            context.next();
        }
    }

    /** Its paths and no others: elsewhere a request is told what is wrong with it, and not that there is no such file. */
    private static void page(Router router) {
        String files = pageFiles().stream().map(Pattern::quote).collect(Collectors.joining("|", "/|", ""));
        router.getWithRegex(files).order(LAST).handler(context -> {
            context.response()
                    .putHeader(
                            "Content-Security-Policy",
                            "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
                                    + "base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
                    .putHeader("Cache-Control", "no-cache")
                    .putHeader("X-Content-Type-Options", "nosniff")
                    .putHeader("Referrer-Policy", "no-referrer");
            context.next();
        });
        router.getWithRegex(files)
                .order(LAST + 1)
                .handler(StaticHandler.create("web").setCachingEnabled(false));
    }

    /** The shape of every error that does not come from a route. */
    private static Handler<RoutingContext> error(int status) {
        return context -> {
            HttpServerResponse response = context.response();
            if (response.headWritten() || response.ended()) {
                return;
            }
            if (status == 401) {
                response.putHeader("WWW-Authenticate", "Bearer");
            }
            String message =
                    switch (status) {
                        case 400, 401 -> reason(context, "the query has a parameter that is not allowed");
                        case 403 -> "pages of this origin may not connect; FLUX_ALLOWED_ORIGINS lists those that may";
                        case 404 -> "there is nothing at " + context.request().path();
                        case 406 -> "this path does not answer in a form that the header Accept names";
                        case 413 -> "the message is too long; FLUX_MESSAGE_LIMIT says how long it may be";
                        case 415 -> "the body must be JSON, not a form with files";
                        case 500 -> "something went wrong in Flux";
                        case 405 ->
                            "this path does not take " + context.request().method();
                        default -> "not available now";
                    };
            response.setStatusCode(status)
                    .putHeader("Content-Type", "application/json")
                    .end(body(context.request().path(), status, message));
        };
    }

    /** Clients of OpenAI's API look for an error where it has them. */
    private static String body(String path, int status, String message) {
        String code = CODES.get(status);
        if (path.startsWith("/v1/") && !path.startsWith("/v1/jobs")) {
            return ApiError.of(Event.Error.answer(null, code, message, null), status)
                    .json()
                    .toString();
        }
        return new JsonObject()
                .put("type", "error")
                .put("code", code)
                .put("error", message)
                .encode();
    }

    /** What a guard says of it. */
    private static String reason(RoutingContext context, String otherwise) {
        return context.failure() instanceof HttpException refusal ? refusal.getPayload() : otherwise;
    }

    @Bean("platform-http-engine")
    VertxPlatformHttpEngine httpEngine() {
        return new VertxPlatformHttpEngine();
    }

    @Bean("vertx-websocket")
    SharedServerWebSocketComponent webSocketComponent(
            Vertx vertx,
            VertxPlatformHttpRouter router,
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
    HttpServing httpServing(Vertx vertx, VertxPlatformHttpRouter router, FluxProperties flux, Connections connections) {
        int largest = flux.messageLimit() * TRANSPORT_FACTOR;
        return new HttpServing(
                vertx,
                router,
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
}
