package io.flux.e2e;

import jakarta.jms.JMSConsumer;
import jakarta.jms.JMSContext;
import jakarta.jms.Message;
import java.util.function.Consumer;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.assertj.core.api.Assertions;

/** An Artemis broker in this JVM, and a client of it. Queues are made when they are first used. */
final class ArtemisBroker implements AutoCloseable {
    private static final long PATIENCE_MS = 40_000;

    private final EmbeddedActiveMQ server = new EmbeddedActiveMQ();
    private final ActiveMQConnectionFactory connections;
    private final JMSContext client;

    ArtemisBroker() throws Exception {
        server.setConfiguration(new ConfigurationImpl()
                .setPersistenceEnabled(false)
                .setSecurityEnabled(false)
                .addAcceptorConfiguration("clients", "tcp://127.0.0.1:0"));
        server.start();
        connections = new ActiveMQConnectionFactory(url());
        client = connections.createContext();
    }

    /** For {@code FLUX_JMS_URL}. */
    String url() {
        return "tcp://127.0.0.1:"
                + server.getActiveMQServer()
                        .getRemotingService()
                        .getAcceptor("clients")
                        .getActualPort();
    }

    /**
     * Sends a text.
     *
     * @param more sets what the message has beside it
     * @return the message's id
     */
    String send(String queue, String text, Properties more) throws Exception {
        Message message = client.createTextMessage(text);
        more.set(client, message);
        client.createProducer().send(client.createQueue(queue), message);
        return message.getJMSMessageID();
    }

    /** Sends a message of any kind. */
    void send(String queue, Maker maker) throws Exception {
        client.createProducer().send(client.createQueue(queue), maker.make(client));
    }

    /** Makes a message. */
    interface Maker {
        Message make(JMSContext client) throws Exception;
    }

    /** What a message has beside its text. */
    interface Properties {
        void set(JMSContext client, Message message) throws Exception;
    }

    /** The next message of a queue. */
    void receive(String queue, Consumer<Message> check) {
        try (JMSConsumer consumer = client.createConsumer(client.createQueue(queue))) {
            Message message = consumer.receive(PATIENCE_MS);
            Assertions.assertThat(message).as("a message on %s", queue).isNotNull();
            check.accept(message);
        }
    }

    /** Nothing is on a queue now. */
    void isEmpty(String queue) {
        try (JMSConsumer consumer = client.createConsumer(client.createQueue(queue))) {
            Assertions.assertThat(consumer.receiveNoWait()).isNull();
        }
    }

    @Override
    public void close() throws Exception {
        client.close();
        connections.close();
        server.stop();
    }
}
