/**
 * Engines, processes and servers: ask one, read its output live, stop it, say how it ended. Knows processes, HTTP, bytes
 * and text, and of Camel only what {@link io.flux.engine.LiveExec} fills for camel-exec and {@link
 * io.flux.engine.LiveHttp} for camel-http. Knows nothing of Redis, routes, exchanges, clients or events.
 *
 * <p>The way of a token from a process: {@link io.flux.engine.LiveExec} starts it and drains its stderr, {@link
 * io.flux.engine.Engines#open Engines.open} makes an {@link io.flux.engine.EngineStream} of its stdout. From a server:
 * {@link io.flux.engine.Engines#call Engines.call} makes the job stoppable, {@link io.flux.engine.LiveHttp} makes the
 * call's requests so, and the answer becomes the call's {@code EngineStream}. Whoever iterates that stream gets {@link
 * io.flux.engine.EngineText} as it is written and one {@link io.flux.engine.EngineEnd} last.
 *
 * <p>Nothing here is null unless its Javadoc says "or null".
 */
package io.flux.engine;
