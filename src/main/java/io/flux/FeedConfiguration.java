package io.flux;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.feed.AnswerStream;
import io.flux.feed.AnswerWait;
import io.flux.feed.Feeders;
import io.flux.feed.Questions;
import io.flux.gateway.Hub;
import io.flux.job.MessageReader;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Beans of the kamelet {@code flux-generate}, which routes of any bundle beside the gateway's may use. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBundle("gateway")
class FeedConfiguration {

    @Bean
    Feeders feeders() {
        return new Feeders();
    }

    @Bean
    Questions questions(MessageReader messages, ObjectMapper mapper) {
        return new Questions(messages, mapper);
    }

    /** What exchanges go on with that have waited for an answer: each needs one from then to its end. */
    @Bean(destroyMethod = "shutdownNow")
    ExecutorService feedThreads() {
        AtomicInteger number = new AtomicInteger();
        return Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "flux-feed-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    @Bean
    AnswerWait answerWait(Hub hub, ObjectMapper mapper, ExecutorService feedThreads, MeterRegistry registry) {
        AnswerWait wait = new AnswerWait(hub, mapper, feedThreads);
        Gauge.builder("flux.feed.waiting", wait, AnswerWait::waiting)
                .description("Messages of connectors and other routes that are in hand: they wait for their answer")
                .register(registry);
        FunctionCounter.builder("flux.feed.answers", wait, AnswerWait::answered)
                .description("Whole answers that connectors and other routes have had")
                .register(registry);
        return wait;
    }

    @Bean
    AnswerStream answerStream(Hub hub, ObjectMapper mapper) {
        return new AnswerStream(hub, mapper);
    }
}
