package io.flux;

import io.flux.feed.CsvBatch;
import io.flux.feed.DroppedFiles;
import io.flux.feed.ErrorsAsExceptions;
import io.flux.feed.Failures;
import io.flux.feed.InHand;
import io.flux.feed.JmsTexts;
import io.flux.feed.MessageIds;
import io.flux.feed.ResultNames;
import io.flux.feed.TraceHeadersOnly;
import io.flux.gateway.DoorMeters;
import jakarta.jms.ConnectionFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.springframework.beans.factory.annotation.Value;
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

    private static final int MAX_TABLES = 1;

    @Bean
    Failures failures() {
        return new Failures();
    }

    @Bean
    MessageIds messageIds() {
        return new MessageIds();
    }

    @Bean
    ErrorsAsExceptions errorsAsExceptions() {
        return new ErrorsAsExceptions();
    }

    @Bean
    DroppedFiles inboxFiles(Clock clock, FluxProperties flux, DoorMeters meters) {
        return new DroppedFiles(
                clock,
                QUIET,
                new DroppedFiles.Bound(flux.messageLimit(), "FLUX_MESSAGE_LIMIT"),
                why -> meters.putAside(why, "connectors-inbox"));
    }

    @Bean
    ResultNames inboxAnswers(@Value("${flux.inbox}") String inbox, @Value("${flux.inbox-answers}") String answers) {
        return new ResultNames(Path.of(inbox), Path.of(inbox, "done"), Path.of(answers), "answer", "txt");
    }

    @Bean
    ResultNames inboxErrors(@Value("${flux.inbox}") String inbox) {
        return errors(inbox);
    }

    @Bean
    DroppedFiles batchFiles(Clock clock, FluxProperties flux, DoorMeters meters) {
        return new DroppedFiles(
                clock,
                QUIET,
                new DroppedFiles.Bound(flux.batchLimit(), "FLUX_BATCH_LIMIT"),
                why -> meters.putAside(why, "connectors-batch"));
    }

    @Bean
    ResultNames batchAnswers(@Value("${flux.batch}") String batch) {
        return new ResultNames(Path.of(batch), Path.of(batch, "done"), Path.of(batch), "answers", "csv");
    }

    @Bean
    ResultNames batchErrors(@Value("${flux.batch}") String batch) {
        return errors(batch);
    }

    private static ResultNames errors(String folder) {
        Path failed = Path.of(folder, "failed");
        return new ResultNames(Path.of(folder), failed, failed, "error", "txt");
    }

    /** All rows of a table are in memory until it is done. */
    @Bean
    InHand tablesInHand(ExecutorService feedThreads) {
        return new InHand(MAX_TABLES, feedThreads);
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

    @Bean
    TraceHeadersOnly traceHeadersOnly() {
        return new TraceHeadersOnly();
    }

    @Bean
    @Lazy
    JmsTexts jmsTexts(FluxProperties flux) {
        return new JmsTexts(flux.messageLimit());
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
        ActiveMQConnectionFactory broker = new ActiveMQConnectionFactory(
                flux.jmsUrl(),
                flux.jmsUser().isEmpty() ? null : flux.jmsUser(),
                flux.jmsPassword().isEmpty() ? null : flux.jmsPassword());
        // No object is ever made of a message; should a route of a team ask for one, the client refuses each class.
        broker.setDeserializationDenyList("*");
        return broker;
    }
}
