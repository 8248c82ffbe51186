package io.flux.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;

/** A copy of the shipped routes that a test edits, as an integration team would. */
final class EditedRoutes {
    private static final Path SHIPPED = Path.of("routes").toAbsolutePath();

    private final Path folder;

    /** @param folder made by this, and its own */
    EditedRoutes(Path folder) {
        this.folder = folder;
        try (Stream<Path> files = Files.walk(SHIPPED)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(SHIPPED.relativize(file).toString()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For {@code FLUX_ROUTES}. */
    Path folder() {
        return folder;
    }

    /**
     * Puts a step before another one.
     *
     * @param file below the folder
     * @param step the beginning of the line of the step that comes after; the first one below {@code after} is meant
     * @param inserted lines without indentation
     */
    EditedRoutes insert(String file, String after, String step, String inserted) {
        Path edited = folder.resolve(file);
        try {
            String text = Files.readString(edited);
            int from = text.indexOf(after);
            Assertions.assertThat(from).as("'%s' in %s", after, file).isNotNegative();
            int at = text.indexOf(step, from);
            Assertions.assertThat(at).as("'%s' after it", step).isNotNegative();
            int line = text.lastIndexOf('\n', at) + 1;
            Files.writeString(edited, text.substring(0, line) + inserted.indent(at - line) + text.substring(line));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
