package io.flux;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Callers;
import io.flux.gateway.DoorMeters;
import io.flux.gateway.ErrorReply;
import io.flux.gateway.HttpDoorComponent;
import io.flux.gateway.Hub;
import io.flux.http.RequestBody;
import io.flux.job.EventJson;
import io.flux.job.RequestLimits;
import io.flux.ledger.Ledger;
import io.flux.ledger.MeasuredScripts;
import io.flux.ledger.Replicas;
import io.flux.model.Admission;
import io.flux.model.ModelDirectory;
import io.flux.model.ServedModels;
import io.flux.observe.EndedJobs;
import io.flux.observe.Health;
import io.flux.observe.MeterClock;
import io.flux.observe.Metrics;
import io.flux.observe.ProcessMeters;
import io.flux.observe.QueueStatus;
import io.flux.supervision.Endings;
import io.flux.supervision.Reaper;
import io.flux.trace.Exemplars;
import io.flux.trace.Traces;
import io.flux.trace.Tracing;
import io.flux.worker.Slots;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.resource.Delay;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.data.redis.ClientResourcesBuilderCustomizer;
import org.springframework.boot.autoconfigure.data.redis.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.data.redis.serializer.RedisSerializer;

/** Beans of every process. */
@Configuration(proxyBeanMethods = false)
class CommonConfiguration {
    /** Long enough for a gateway to get from create to accept under any load; short enough to leave no litter. */
    private static final Duration UNACCEPTED = Duration.ofMinutes(1);

    private static final Duration FIRST_RECONNECTION = Duration.ofMillis(50);
    private static final Duration LAST_RECONNECTION = Duration.ofSeconds(1);
    /** How often a Cluster's nodes are asked for their parts; whoever meets a change asks at once. */
    private static final Duration TOPOLOGY = Duration.ofSeconds(5);

    @Bean
    ObjectMapper objectMapper() {
        return new ObjectMapper();
    }

    @Bean
    EventJson eventJson(ObjectMapper mapper) {
        return new EventJson(mapper);
    }

    @Bean
    RedisSerializer<String> redisStrings() {
        return RedisSerializer.string();
    }

    /** The stock client comes back to a Redis that was away after up to 30 s, and waits for ever for one that is frozen. */
    @Bean
    ClientResourcesBuilderCustomizer promptReconnection(Vertx vertx) {
        return resources -> resources
                .eventLoopGroupProvider(new SharedLoops(vertx.nettyEventLoopGroup()))
                .reconnectDelay(Delay.fullJitter(FIRST_RECONNECTION, LAST_RECONNECTION, 1, TimeUnit.MILLISECONDS))
                .nettyCustomizer(new SilentConnections());
    }

    /**
     * A Cluster's nodes change their parts within seconds, and so must who speaks to them: the stock client keeps what it
     * knew for up to 30 s, and what it had sent to a node that is dead waits for that node's return.
     */
    @Bean
    LettuceClientOptionsBuilderCustomizer promptTopology() {
        return options -> {
            if (options instanceof ClusterClientOptions.Builder cluster) {
                cluster.topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                                .enablePeriodicRefresh(TOPOLOGY)
                                .enableAllAdaptiveRefreshTriggers()
                                .adaptiveRefreshTriggersTimeout(LAST_RECONNECTION)
                                .refreshTriggersReconnectAttempts(1)
                                .build())
                        .nodeFilter(node ->
                                !node.is(RedisClusterNode.NodeFlag.FAIL) && !node.is(RedisClusterNode.NodeFlag.NOADDR));
            }
        };
    }

    @Bean
    RedisAtStart redisAtStart(StringRedisTemplate redis, Environment environment) {
        RedisAccess access = RedisAccess.of(environment);
        return new RedisAtStart(
                redis,
                access == null
                        ? "the embedded Redis (FLUX_DATA)"
                        : "Redis at " + access.address().where() + " (FLUX_REDIS_URL)");
    }

    /** One thread, because the stock executor starts one for each message and loses their order. */
    @Bean
    RedisMessageListenerContainer redisListeners(RedisConnectionFactory connections) {
        RedisMessageListenerContainer container = new RedisMessageListenerContainer();
        container.setConnectionFactory(connections);
        container.setTaskExecutor(Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "redis-messages");
            thread.setDaemon(true);
            return thread;
        }));
        return container;
    }

    /** With connections of their own, which are there when replicas are asked for. */
    @Bean
    Replicas replicas(LettuceConnectionFactory connections, FluxProperties flux) {
        return flux.redisReplicas() == 0
                ? new Replicas(connections, 0)
                : new Replicas(unshared(connections), flux.redisReplicas());
    }

    /** Stops with the first one, whose client resources it uses. */
    private static LettuceConnectionFactory unshared(LettuceConnectionFactory connections) {
        LettuceConnectionFactory unshared = connections.getSentinelConfiguration() != null
                ? new LettuceConnectionFactory(
                        connections.getSentinelConfiguration(), connections.getClientConfiguration())
                : connections.getClusterConfiguration() != null
                        ? new LettuceConnectionFactory(
                                connections.getClusterConfiguration(), connections.getClientConfiguration())
                        : new LettuceConnectionFactory(
                                connections.getStandaloneConfiguration(), connections.getClientConfiguration());
        unshared.setShareNativeConnection(false);
        unshared.afterPropertiesSet();
        unshared.start();
        return unshared;
    }

    @Bean
    Ledger ledger(RedisConnectionFactory connections, MeterRegistry registry, Replicas replicas, FluxProperties flux) {
        return new Ledger(new MeasuredScripts(connections, registry), replicas, flux.retention(), UNACCEPTED);
    }

    /** A worker has no doors: whoever reaches its health and metrics may see them. */
    @Bean
    Callers callers(FluxProperties flux) {
        return new Callers(flux.keysRequired());
    }

    /** Where routes of HTTP begin, in every process: workers have health and metrics. */
    @Bean("http-door")
    HttpDoorComponent httpDoor(Router router, RequestBody requestBody, ObjectProvider<Hub> hub, Callers callers) {
        return new HttpDoorComponent(router, requestBody.steps(), hub::getObject, callers);
    }

    @Bean
    ErrorReply errors(EventJson json) {
        return new ErrorReply(json);
    }

    @Bean
    DoorMeters doorMeters(MeterRegistry registry, ErrorReply errors) {
        return new DoorMeters(registry, errors);
    }

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    Endings endings(Ledger ledger, EventJson json, MeterRegistry registry) {
        return new Endings(ledger, json, new EndedJobs(registry));
    }

    @Bean
    Reaper reaper(
            Ledger ledger, Endings endings, EventJson json, MeterRegistry registry, Clock clock, FluxProperties flux) {
        return new Reaper(
                ledger,
                endings,
                json,
                registry,
                clock,
                new Reaper.Terms(
                        flux.reap(),
                        flux.lease(),
                        flux.attention().length(),
                        flux.attemptLimits(),
                        flux.deadRetention()));
    }

    @Bean
    Exemplars exemplars() {
        return new Exemplars();
    }

    /** Nothing of OpenTelemetry is loaded unless its own variables ask for it. */
    @Bean
    Tracing tracing(Environment environment, FluxProperties flux) {
        return Traces.start(environment::getProperty, flux.id());
    }

    @Bean
    PrometheusMeterRegistry meterRegistry(Exemplars exemplars, Tracing tracing) {
        PrometheusMeterRegistry registry = tracing == Tracing.OFF
                ? new PrometheusMeterRegistry(PrometheusConfig.DEFAULT, new PrometheusRegistry(), new MeterClock())
                : new PrometheusMeterRegistry(
                        PrometheusConfig.DEFAULT, new PrometheusRegistry(), new MeterClock(), exemplars);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        return registry;
    }

    @Bean
    ProcessMeters processMeters(MeterRegistry registry, StringRedisTemplate redis, FluxProperties flux) {
        return new ProcessMeters(
                registry,
                redis,
                FluxApplication.class.getPackage().getImplementationVersion(),
                String.join(",", flux.bundles()));
    }

    @Bean
    Metrics metrics(PrometheusMeterRegistry registry) {
        return new Metrics(registry);
    }

    @Bean
    JvmGcMetrics jvmGcMetrics(MeterRegistry registry) {
        JvmGcMetrics metrics = new JvmGcMetrics();
        metrics.bindTo(registry);
        return metrics;
    }

    @Bean
    Health health(CamelContext camel, StringRedisTemplate redis, ObjectProvider<Health.Readiness> readiness) {
        return new Health(camel, redis, readiness);
    }

    @Bean
    QueueStatus queueStatus(Ledger ledger, ModelDirectory models, MeterRegistry registry) {
        return new QueueStatus(ledger, models::queues, registry);
    }

    /**
     * The models that this process is configured with: a worker serves them, a gateway takes jobs for them also when no
     * worker is there yet.
     */
    @Bean
    ServedModels servedModels(FluxProperties flux) {
        return new ServedModels(flux.configuredModels());
    }

    @Bean
    ModelDirectory models(
            Ledger ledger,
            ObjectMapper mapper,
            ServedModels configured,
            ObjectProvider<Slots> slots,
            FluxProperties flux) {
        return new ModelDirectory(
                ledger,
                mapper,
                configured.all(),
                model -> {
                    Slots here = slots.getIfAvailable();
                    return here == null ? 0 : here.openSlots(model);
                },
                new ModelDirectory.Terms(flux.id(), flux.lease(), flux.modelMemory()));
    }

    @Bean
    Admission admission(ModelDirectory models, FluxProperties flux) {
        return new Admission(models, new RequestLimits(flux.maxTokensDefault(), flux.maxTokensLimit()));
    }
}
