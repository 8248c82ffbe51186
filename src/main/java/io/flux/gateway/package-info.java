/**
 * The live side of the doors: who is connected, who follows which job, and how an event reaches them without anyone
 * waiting for a slow client. Knows connections and the ledger's journal; nothing of engines, queues' order or routes.
 */
package io.flux.gateway;
