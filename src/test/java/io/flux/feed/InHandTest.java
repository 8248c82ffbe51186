package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InHandTest {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final List<Integer> through = new CopyOnWriteArrayList<>();
    private final List<Exchange> exchanges = new ArrayList<>();

    @AfterEach
    void stop() throws IOException {
        threads.shutdownNow();
        camel.close();
    }

    private void done(int number) {
        Exchange exchange = exchanges.get(number);
        exchange.getExchangeExtension().handoverCompletions().forEach(completion -> completion.onComplete(exchange));
    }

    @Test
    void soManyAreInHandAndTheOthersFollowInOrderAsTheseAreDone() {
        InHand inHand = new InHand(2, threads);
        for (int i = 0; i < 4; i++) {
            int number = i;
            exchanges.add(new DefaultExchange(camel));
            inHand.process(exchanges.get(i), sync -> through.add(number));
        }
        assertThat(through).containsExactly(0, 1);
        done(1);
        await().until(() -> through.equals(List.of(0, 1, 2)));
        done(2);
        await().until(() -> through.equals(List.of(0, 1, 2, 3)));
        done(0);
        done(3);
        exchanges.add(new DefaultExchange(camel));
        inHand.process(exchanges.get(4), sync -> through.add(4));
        assertThat(through).as("there is room again").endsWith(4);
    }
}
