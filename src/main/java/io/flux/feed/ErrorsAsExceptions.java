package io.flux.feed;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.AsyncCallback;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.support.processor.DelegateAsyncProcessor;

/**
 * Makes an exception of an {@link Error} that a step of a connector throws, so that the message is put aside with its
 * reason as for any other failure. Camel lets an Error through, and its exchange never ends then: a file stays taken, and
 * what bounds the messages in hand counts it for ever. Thread-safe.
 */
public final class ErrorsAsExceptions implements InterceptStrategy {
    @Override
    public Processor wrapProcessorInInterceptors(
            CamelContext context, NamedNode step, Processor target, Processor next) {
        String route = String.valueOf(ProcessorDefinitionHelper.getRouteId(step));
        return route.startsWith("connectors-") || route.startsWith("flux-generate") ? new Step(target) : target;
    }

    private static final class Step extends DelegateAsyncProcessor {
        Step(Processor step) {
            super(step);
        }

        @Override
        public boolean process(Exchange exchange, AsyncCallback callback) {
            Deferred done = new Deferred(callback);
            boolean synchronously = true;
            try {
                synchronously = super.process(exchange, done);
            } catch (Error e) {
                exchange.setException(new IllegalStateException("a step failed: " + e, e));
                done.done(true);
            }
            done.passOn();
            return synchronously;
        }
    }

    /**
     * Passes on that a step is done when the step has returned: some say so in a finally block, before their Error is seen.
     * An exchange that went on twice would be completed twice.
     */
    private static final class Deferred implements AsyncCallback {
        private final AsyncCallback callback;
        private final Thread caller = Thread.currentThread();
        private final AtomicBoolean done = new AtomicBoolean();
        /** Seen by the caller's thread only. */
        private boolean returned;

        private Boolean synchronously;

        Deferred(AsyncCallback callback) {
            this.callback = callback;
        }

        @Override
        public void done(boolean doneSynchronously) {
            if (!done.compareAndSet(false, true)) {
                return;
            }
            if (Thread.currentThread() == caller && !returned) {
                synchronously = doneSynchronously;
            } else {
                callback.done(doneSynchronously);
            }
        }

        void passOn() {
            returned = true;
            if (synchronously != null) {
                callback.done(synchronously);
            }
        }
    }
}
