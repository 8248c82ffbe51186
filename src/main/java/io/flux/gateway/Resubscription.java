package io.flux.gateway;

import org.springframework.data.redis.connection.Message;
import org.springframework.data.redis.connection.MessageListener;
import org.springframework.data.redis.connection.SubscriptionListener;

/**
 * Hears when the gateway's channel is subscribed to, which the Redis client does again by itself after its connection was
 * lost. It hears so in order with the channel's messages, on their thread: what is published later comes.
 *
 * <p>It listens to a channel of its own, on which nothing is published, so that no token is handed to two listeners. The
 * client subscribes to all its channels with one command: when one is there, all are.
 */
public final class Resubscription implements MessageListener, SubscriptionListener {
    private final Hub hub;

    public Resubscription(Hub hub) {
        this.hub = hub;
    }

    @Override
    public void onMessage(Message message, byte[] pattern) {
        // nothing comes here
    }

    @Override
    public void onChannelSubscribed(byte[] channel, long count) {
        hub.resubscribed();
    }
}
