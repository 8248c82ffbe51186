package io.flux.engine;

/** What an engine process writes besides the answer. */
public enum EngineDialect {
    /** llama-completion: a trailer after the text on stdout, timings on stderr. */
    LLAMA_COMPLETION,
    /** Any program: stdout is the answer and nothing else, exit code 0 means that it is whole. */
    PLAIN
}
