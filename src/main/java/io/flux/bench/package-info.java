/**
 * Flux measured from outside: real processes of it, an engine whose every word is known beforehand, and clients that check
 * each word. Knows Flux's protocol, options and Redis keys as any stranger does, and none of its beans. Not loaded by a Flux
 * that serves.
 */
package io.flux.bench;
