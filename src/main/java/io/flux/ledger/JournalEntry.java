package io.flux.ledger;

/**
 * One event of a job, as kept in its journal and as published to gateways.
 *
 * @param id the job
 * @param seq 1, 2, 3 … per job
 * @param last whether it ends the job
 * @param frame the event's JSON, as clients see it
 */
public record JournalEntry(String id, long seq, boolean last, String frame) {
    private static final String LAST = "!";

    static JournalEntry of(String id, String seq, String kind, String frame) {
        return new JournalEntry(id, Long.parseLong(seq), kind.equals(LAST), frame);
    }

    /**
     * Reads what {@code append}, {@code finish} and {@code end} publish: {@code <id> <seq> <kind> <frame>}, where kind
     * is {@code !} for a job's last event and {@code .} for any other.
     *
     * @throws IllegalArgumentException when the message has another form
     */
    public static JournalEntry published(String message) {
        int seq = message.indexOf(' ') + 1;
        int kind = message.indexOf(' ', seq) + 1;
        int frame = message.indexOf(' ', kind) + 1;
        if (seq == 0 || kind == 0 || frame == 0) {
            throw new IllegalArgumentException("not a journal event: " + message);
        }
        return of(
                message.substring(0, seq - 1),
                message.substring(seq, kind - 1),
                message.substring(kind, frame - 1),
                message.substring(frame));
    }
}
