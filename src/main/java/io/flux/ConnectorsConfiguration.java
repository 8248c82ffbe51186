package io.flux;

import io.flux.feed.CsvBatch;
import io.flux.feed.Failures;
import io.flux.feed.InHand;
import io.flux.feed.MessageIds;
import io.flux.feed.WholeFiles;
import jakarta.jms.ConnectionFactory;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.jms.connection.CachingConnectionFactory;

/** Beans that the connectors' routes call by name. What belongs to one connector is made when its route is there. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBundle("connectors")
class ConnectorsConfiguration {
    /** What a program leaves between two writes to one file, and more. */
    private static final Duration QUIET = Duration.ofSeconds(1);

    @Bean
    Failures failures() {
        return new Failures();
    }

    @Bean
    MessageIds messageIds() {
        return new MessageIds();
    }

    @Bean
    WholeFiles wholeFiles(Clock clock) {
        return new WholeFiles(clock, QUIET);
    }

    @Bean
    InHand inboxInHand(FluxProperties flux, ExecutorService feedThreads) {
        return new InHand(flux.feedJobs(), feedThreads);
    }

    @Bean
    InHand batchInHand(FluxProperties flux, ExecutorService feedThreads) {
        return new InHand(flux.feedJobs(), feedThreads);
    }

    @Bean
    CsvBatch csvBatch() {
        return new CsvBatch();
    }

    /** Consumers keep their sessions themselves. */
    @Bean
    @Lazy
    ConnectionFactory jmsReceiving(FluxProperties flux) {
        return broker(flux);
    }

    /** A session for each answer that is sent at the same time, kept for the next one. */
    @Bean
    @Lazy
    ConnectionFactory jmsSending(FluxProperties flux) {
        CachingConnectionFactory sessions = new CachingConnectionFactory(broker(flux));
        sessions.setSessionCacheSize(flux.feedJobs());
        return sessions;
    }

    private static ConnectionFactory broker(FluxProperties flux) {
        return new ActiveMQConnectionFactory(
                flux.jmsUrl(),
                flux.jmsUser().isEmpty() ? null : flux.jmsUser(),
                flux.jmsPassword().isEmpty() ? null : flux.jmsPassword());
    }
}
