package io.flux.feed;

import io.flux.job.Event;
import io.flux.job.Refusal;
import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.ObjectMessage;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import org.springframework.jms.support.converter.MessageConverter;

/**
 * What of a JMS message is read: text and bytes, and nothing else. The content of an ObjectMessage is never asked for, since
 * whichever class it names would be made of it. A message of another kind is the body as it is, so that it can be set aside
 * unread. Thread-safe.
 */
public final class JmsTexts implements MessageConverter {
    private final int maxBytes;

    /** @param maxBytes what is read of a message of bytes */
    public JmsTexts(int maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** A text, bytes, or the message itself when it is neither or is too large. */
    @Override
    public Object fromMessage(Message message) throws JMSException {
        if (message instanceof TextMessage text) {
            String content = text.getText();
            return content == null ? "" : content;
        }
        if (message instanceof BytesMessage bytes && bytes.getBodyLength() <= maxBytes) {
            byte[] content = new byte[(int) bytes.getBodyLength()];
            bytes.readBytes(content);
            return content;
        }
        return message;
    }

    /** Sends a text, bytes, or a message that was not read, whose properties are left behind. */
    @Override
    public Message toMessage(Object body, Session session) throws JMSException {
        if (body instanceof Message unread) {
            unread.clearProperties();
            return unread;
        }
        if (body instanceof byte[] bytes) {
            BytesMessage message = session.createBytesMessage();
            message.writeBytes(bytes);
            return message;
        }
        return session.createTextMessage(body == null ? "" : body.toString());
    }

    /**
     * Lets a question pass that was read.
     *
     * @throws Refusal when the message is neither text nor bytes, or has too many
     */
    public void requireText(Object question) throws JMSException {
        if (question instanceof Message unread) {
            throw new Refusal(Event.Error.answer(null, "invalid_request", why(unread), null));
        }
    }

    private String why(Message message) throws JMSException {
        return message instanceof BytesMessage bytes
                ? "the message must be at most " + maxBytes + " bytes, not " + bytes.getBodyLength()
                : "the message must be text or bytes, not " + kind(message) + ", which is not read";
    }

    private static String kind(Message message) {
        if (message instanceof ObjectMessage) {
            return "an ObjectMessage";
        } else if (message instanceof StreamMessage) {
            return "a StreamMessage";
        } else if (message instanceof MapMessage) {
            return "a MapMessage";
        }
        return "a message without a body";
    }
}
