package io.flux.openai;

import io.flux.gateway.Rendition;
import io.flux.job.ClientMessage;
import java.util.function.Supplier;

/**
 * A request of OpenAI's API, understood.
 *
 * @param message what it asks of Flux
 * @param answer makes what its client is shown
 */
public record Question(ClientMessage.Generate message, Supplier<Rendition> answer) {}
