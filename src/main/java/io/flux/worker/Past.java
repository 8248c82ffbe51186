package io.flux.worker;

import io.flux.engine.Transcript;

/**
 * What earlier attempts at a job have left in its journal.
 *
 * @param shown their text
 * @param resumes how often one of them went on with the text of another
 */
record Past(Transcript shown, int resumes) {
    /** There were none, or they have left nothing. */
    static final Past NONE = new Past(Transcript.EMPTY, 0);
}
