/**
 * Flux for routes in its own process: a prompt becomes a request, its answer comes back on the same exchange, and what a
 * connector needs beside that. Knows requests, answers and the Hub; nothing of folders, brokers or the order of steps.
 */
package io.flux.feed;
