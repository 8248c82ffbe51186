/**
 * The worker's steps between a popped id and a finished answer: claim, prompt, journal, verdict. Knows the ledger and
 * engines; nothing of clients, sockets or the order of the steps, which {@code routes/worker} says.
 */
package io.flux.worker;
