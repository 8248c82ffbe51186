/**
 * Traces: one for each job, across client, gateway, queue, worker and engine. The interfaces are what others call, and do
 * nothing unless tracing is configured; only {@code OpenTelemetryTracing} and its helpers know OpenTelemetry, whose classes
 * are not loaded otherwise. Nothing here sees a prompt or an answer, and nothing is done for each token.
 */
package io.flux.trace;
