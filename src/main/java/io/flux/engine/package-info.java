/**
 * Engines as processes: start one, read its output live, stop it, say how it ended. Knows processes, bytes and text, and
 * of Camel only the camel-exec interface that {@link io.flux.engine.LiveExec} fills. Knows nothing of Redis, routes,
 * exchanges, clients or events.
 *
 * <p>The way of a token: {@link io.flux.engine.LiveExec} starts the process and drains its stderr,
 * {@link io.flux.engine.Engines#open Engines.open} makes an {@link io.flux.engine.EngineStream} of its stdout, and
 * whoever iterates that stream gets {@link io.flux.engine.EngineText} as it is written and one
 * {@link io.flux.engine.EngineEnd} last.
 *
 * <p>Nothing here is null unless its Javadoc says "or null".
 */
package io.flux.engine;
