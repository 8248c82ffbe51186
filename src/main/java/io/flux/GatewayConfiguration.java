package io.flux;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Callers;
import io.flux.access.Limits;
import io.flux.access.WatchedKeys;
import io.flux.callback.CallbackHttp;
import io.flux.callback.CallbackTargets;
import io.flux.callback.CallbackTurns;
import io.flux.callback.Callbacks;
import io.flux.gateway.ErrorReply;
import io.flux.gateway.Hub;
import io.flux.gateway.HubMeters;
import io.flux.gateway.JobList;
import io.flux.gateway.JobReports;
import io.flux.gateway.Rendition;
import io.flux.gateway.Renditions;
import io.flux.gateway.Resubscription;
import io.flux.gateway.Submission;
import io.flux.http.SharedServerWebSocketComponent;
import io.flux.job.EventJson;
import io.flux.job.MessageReader;
import io.flux.job.RequestIds;
import io.flux.job.TraceContext;
import io.flux.ledger.CallbackLedger;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.Replicas;
import io.flux.model.Admission;
import io.flux.model.ModelDirectory;
import io.flux.openai.Failures;
import io.flux.openai.Models;
import io.flux.openai.Requests;
import io.flux.supervision.DeadLetters;
import io.flux.trace.SubmitTracing;
import io.flux.trace.Tracing;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/** Beans that the gateway's routes call by name. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBundle("gateway")
class GatewayConfiguration {

    @Bean
    MessageReader messages(ObjectMapper mapper, FluxProperties flux) {
        return new MessageReader(mapper, flux.messageLimit(), new RequestIds());
    }

    @Bean
    Limits limits(Ledger ledger) {
        return new Limits(ledger);
    }

    @Bean
    Submission submission(Ledger ledger, ObjectMapper mapper, FluxProperties flux) {
        return new Submission(
                ledger, mapper, flux.queueLimit(), flux.attention().length());
    }

    @Bean
    SubmitTracing submitTracing(Tracing tracing) {
        return new SubmitTracing(tracing);
    }

    @Bean
    DeadLetters deadLetters(Ledger ledger, ObjectMapper mapper, ModelDirectory models) {
        return new DeadLetters(ledger, mapper, models::queues);
    }

    @Bean
    WatchedKeys keys(FluxProperties flux) {
        return flux.keysRequired() ? new WatchedKeys(Path.of(flux.keys())) : WatchedKeys.none();
    }

    /** Closed by {@link Lifecycle}, while its clients can still be told. */
    @Bean(destroyMethod = "")
    Hub hub(Ledger ledger, EventJson json, FluxProperties flux, MeterRegistry registry) {
        Hub hub = new Hub(ledger, json, Keys.gatewayChannel(flux.id()), flux.attention());
        HubMeters.bind(hub, registry);
        return hub;
    }

    @Bean
    SharedServerWebSocketComponent.Opening webSockets(Hub hub, Callers callers) {
        return (key, socket, user) -> hub.attach(
                key,
                socket,
                callers.of(user),
                TraceContext.of(
                        socket.headers().get("traceparent"), socket.headers().get("tracestate")));
    }

    @Bean
    Supplier<Rendition> eventStream(ObjectMapper mapper) {
        return new Renditions(mapper).eventStream();
    }

    @Bean
    Supplier<Rendition> wholeAnswer(ObjectMapper mapper) {
        return new Renditions(mapper).wholeAnswer();
    }

    @Bean
    Requests openAiRequests(MessageReader messages, ObjectMapper mapper, Clock clock, Admission admission) {
        return new Requests(messages, mapper, clock, admission::largestMaxTokens);
    }

    @Bean
    Supplier<Rendition> openAiUnread(Requests openAiRequests) {
        return openAiRequests.unread();
    }

    @Bean
    Models openAiModels(Admission admission) {
        return new Models(admission);
    }

    @Bean
    Failures openAiFailures(ErrorReply errors, ObjectMapper mapper) {
        return new Failures(errors, mapper);
    }

    @Bean
    JobReports jobs(Ledger ledger, ObjectMapper mapper) {
        return new JobReports(ledger, mapper);
    }

    @Bean
    JobList jobList(Ledger ledger, ModelDirectory models) {
        return new JobList(ledger, models::queues);
    }

    @Bean
    CallbackTargets callbackTargets(FluxProperties flux) {
        return new CallbackTargets(flux.callbackPrivate(), flux.callbackKey() != null);
    }

    @Bean
    CallbackHttp callbackHttp(CallbackTargets targets) {
        return new CallbackHttp(targets, CallbackHttp.DEADLINE);
    }

    /** What answers are posted with: each posting holds one for as long as its receiver takes. */
    @Bean(destroyMethod = "shutdownNow")
    ExecutorService callbackThreads() {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor threads = new ThreadPoolExecutor(
                CallbackTurns.MAX_POSTINGS,
                CallbackTurns.MAX_POSTINGS,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                task -> {
                    Thread thread = new Thread(task, "flux-callback-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    @Bean
    CallbackTurns callbackTurns(ExecutorService callbackThreads) {
        return new CallbackTurns(callbackThreads, Callbacks.MAX_WAIT);
    }

    @Bean
    Callbacks callbacks(
            StringRedisTemplate redis,
            Replicas replicas,
            Ledger ledger,
            JobReports jobs,
            ObjectMapper mapper,
            FluxProperties flux,
            MeterRegistry registry,
            Clock clock) {
        return new Callbacks(
                new CallbackLedger(redis, replicas),
                ledger,
                jobs::of,
                mapper,
                flux.callbackKey(),
                registry,
                clock,
                new Callbacks.Terms(flux.callbackAttempts(), flux.callbackBackoff(), flux.deadRetention()));
    }

    /** On the thread that reads them: the Hub waits for nobody, and each token would be handed over once more. */
    @Bean
    RedisMessageListenerContainer gatewayChannel(RedisConnectionFactory connections) {
        RedisMessageListenerContainer container = new RedisMessageListenerContainer();
        container.setConnectionFactory(connections);
        container.setTaskExecutor(Runnable::run);
        return container;
    }

    /** Tells the Hub when the channel is subscribed to again, after the connection to Redis was lost. */
    @Bean
    Resubscription resubscription(Hub hub, RedisMessageListenerContainer gatewayChannel, FluxProperties flux) {
        Resubscription resubscription = new Resubscription(hub);
        gatewayChannel.addMessageListener(resubscription, new ChannelTopic(Keys.gatewaySubscription(flux.id())));
        return resubscription;
    }
}
