package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.feed.JmsTexts;
import jakarta.jms.ObjectMessage;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What Camel's JMS consumer does with objects, with the converter of the shipped route and a client that allows all. */
@Timeout(60)
class JmsObjectsTest {
    private static final AtomicInteger READ = new AtomicInteger();

    /** Notes that it was made of a message. */
    private static final class Gadget implements Serializable {
        private static final long serialVersionUID = 1L;

        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            READ.incrementAndGet();
        }
    }

    @Test
    void noObjectIsMadeOfAMessage() throws Exception {
        List<Object> bodies = new CopyOnWriteArrayList<>();
        try (ArtemisBroker broker = new ArtemisBroker();
                ActiveMQConnectionFactory connections = new ActiveMQConnectionFactory(broker.url());
                DefaultCamelContext camel = new DefaultCamelContext()) {
            camel.getRegistry().bind("connections", connections);
            camel.getRegistry().bind("jmsTexts", new JmsTexts(1024));
            camel.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("jms:queue:objects?connectionFactory=#connections&messageConverter=#jmsTexts&transacted=true")
                            .setVariable("question", simple("${body}"))
                            .process(exchange -> bodies.add(exchange.getVariable("question")));
                }
            });
            camel.start();
            broker.send("objects", client -> client.createObjectMessage(new Gadget()));
            broker.send("objects", client -> client.createTextMessage("text"));
            await().until(() -> bodies.size() == 2);
            assertThat(bodies.get(0)).isInstanceOf(ObjectMessage.class);
            assertThat(bodies.get(1)).isEqualTo("text");
            assertThat(READ).hasValue(0);
        }
    }
}
