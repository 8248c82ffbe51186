/**
 * Answers that are posted to an address of the client's: which are due, what is sent, to whom it may be sent. Knows the
 * ledger and HTTP; nothing of doors or engines, nor in which order its steps are taken, which a route says.
 */
package io.flux.callback;
