/**
 * What people type: {@code ./flux ask}, {@code ./flux dead}, {@code ./flux key}. Clients like any other, that speak Flux's WebSocket protocol
 * or HTTP and nothing private; the one thing that they know of the rest is how to start Flux when none is running.
 */
package io.flux.cli;
