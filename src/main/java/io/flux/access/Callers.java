package io.flux.access;

import io.flux.job.Event;
import io.flux.job.Refusal;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.auth.User;

/** Callers on their way from the key check, which every request passes, to the doors. Thread-safe. */
public final class Callers {
    private static final String CALLER = "caller";

    private final boolean keysRequired;

    /**
     * @param keysRequired whether nobody comes in without a key
     */
    public Callers(boolean keysRequired) {
        this.keysRequired = keysRequired;
    }

    /** A caller as Vert.x carries it with a request. */
    public static User user(Caller caller) {
        return User.create(new JsonObject(), new JsonObject().put(CALLER, caller));
    }

    /**
     * Who a request is from.
     *
     * @param user what the key check left; null when it left nothing, since there are no keys
     */
    public Caller of(User user) {
        if (user != null) {
            return (Caller) user.attributes().getValue(CALLER);
        }
        if (keysRequired) {
            throw new IllegalStateException("a request has passed no key check");
        }
        return Caller.ANYBODY;
    }

    /**
     * Lets operators pass.
     *
     * @throws Refusal {@code forbidden} for anybody else
     */
    public void requireOperator(Caller caller) {
        if (!caller.operator()) {
            throw new Refusal(Event.Error.answer(null, "forbidden", "this needs the key of an operator", null));
        }
    }
}
