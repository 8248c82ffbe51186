package io.flux.config;

import io.flux.text.Utf8;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that an option names.
 *
 * @param option as people set it: {@code FLUX_MODELS}
 */
public record NamedFile(String option, Path path) {

    /**
     * Reads it.
     *
     * @throws IllegalArgumentException when it cannot be read or is no text; the message names the option, the file and why
     */
    public String text() {
        if (!Files.exists(path)) {
            throw refused("does not exist");
        }
        if (Files.isDirectory(path)) {
            throw refused("is a folder");
        }
        try {
            return Utf8.read(path);
        } catch (CharacterCodingException e) {
            throw refused("is not UTF-8 text: " + e.getMessage());
        } catch (IOException e) {
            throw refused("cannot be read (" + e.getClass().getSimpleName() + ")");
        }
    }

    /** That it will not do. */
    public IllegalArgumentException refused(String why) {
        return new IllegalArgumentException(option + " names " + path + ", which " + why);
    }
}
