/**
 * What people type: {@code ./flux ask}. A client like any other, that speaks the WebSocket protocol and nothing private;
 * the one thing it knows of the rest is how to start Flux when none is running.
 */
package io.flux.cli;
