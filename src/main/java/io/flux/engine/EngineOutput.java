package io.flux.engine;

/** What comes out of an engine: texts, then exactly one end. */
public sealed interface EngineOutput permits EngineText, EngineEnd {}
