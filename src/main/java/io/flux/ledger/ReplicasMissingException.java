package io.flux.ledger;

import org.springframework.dao.TransientDataAccessResourceException;

/** What was written is in Redis, and fewer replicas than it needs have said in time that they have it. To be repeated. */
public final class ReplicasMissingException extends TransientDataAccessResourceException {
    private static final long serialVersionUID = 1L;

    ReplicasMissingException(long have, int wanted) {
        super(have + " of the " + wanted + " replicas that FLUX_REDIS_REPLICAS asks for have it");
    }
}
