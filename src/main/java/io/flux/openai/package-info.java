/**
 * OpenAI's API as a door: its requests in Flux's words, and a job's events in OpenAI's. Knows no routes, Redis or engines;
 * the engine of the same name, which asks such an API, is {@code io.flux.engine}'s.
 */
package io.flux.openai;
