package io.flux.feed;

import io.flux.access.Caller;
import io.flux.job.JobIds;
import io.flux.job.JobRequest;
import io.flux.ledger.Place;
import org.apache.camel.Exchange;

/**
 * A job that an exchange has submitted.
 *
 * @param place null when the job existed before
 */
record Asked(String id, String model, Place place, Caller caller) {
    private static final String REQUEST_ID = "FluxRequestId";
    private static final String MODEL = "FluxModel";

    /** What {@code gateway-submit} has left in the exchange's variables. */
    static Asked of(Exchange exchange) {
        JobRequest request = exchange.getVariable("request", JobRequest.class);
        if (request == null) {
            throw new IllegalStateException("there is no job to wait for: direct:gateway-submit comes first");
        }
        return new Asked(
                request.requestId(),
                request.model(),
                exchange.getVariable("place", Place.class),
                exchange.getVariable("caller", Caller.class));
    }

    /** Says in the exchange's headers whose answer it is. */
    void tell(Exchange exchange) {
        exchange.getMessage().setHeader(REQUEST_ID, JobIds.requestId(id));
        exchange.getMessage().setHeader(MODEL, model);
    }
}
