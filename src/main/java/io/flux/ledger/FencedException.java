package io.flux.ledger;

/** Another attempt owns the job: the caller writes no more about it and leaves its lease alone. */
public final class FencedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public FencedException(String id) {
        super("job " + id + " belongs to another attempt");
    }
}
