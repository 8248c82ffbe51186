package io.flux.feed;

import java.io.File;
import java.time.Clock;
import java.time.Duration;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileFilter;

/**
 * Takes a file when nothing has been written to it for a while: whoever writes it seldom says when it is whole. A file
 * that was moved here is taken at once. Thread-safe.
 */
public final class WholeFiles implements GenericFileFilter<File> {
    private final Clock clock;
    private final Duration quiet;

    /**
     * @param clock of the machine that the files are written on
     * @param quiet since the last change of the file
     */
    public WholeFiles(Clock clock, Duration quiet) {
        this.clock = clock;
        this.quiet = quiet;
    }

    @Override
    public boolean accept(GenericFile<File> file) {
        return file.isDirectory() || file.getLastModified() <= clock.millis() - quiet.toMillis();
    }
}
