/**
 * Watches over jobs whoever has them: leases that ran out, deadlines, jobs that nobody follows, dead letters. Knows the
 * ledger; nothing of engines or sockets, nor in which order its steps are taken, which {@code routes/common} says.
 */
package io.flux.supervision;
