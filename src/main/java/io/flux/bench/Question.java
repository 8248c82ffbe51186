package io.flux.bench;

/** What a client of a bench asks for, and what it knows of the answer beforehand. Immutable. */
interface Question {
    /** What the model is asked. */
    String prompt();

    /** The most tokens that the answer may have. */
    int tokens();

    /** Whether a text can stand in the answer after so many characters. */
    boolean goesOn(int position, String text);

    /** Whether an answer of so many characters is all of it. */
    boolean isWhole(int position);
}
