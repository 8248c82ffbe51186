package io.flux.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Files out of our jars, whole or not at all, for several processes that unpack at once. */
final class Unpacking {
    private Unpacking() {}

    /**
     * Makes {@code target} hold the content, unless it does.
     *
     * @param content closed here
     */
    static void write(InputStream content, Path target, boolean executable) throws IOException {
        Files.createDirectories(target.getParent());
        Path partial =
                Files.createTempFile(target.getParent(), target.getFileName().toString(), ".partial");
        try {
            try (InputStream in = content) {
                Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
            }
            if (executable && !partial.toFile().setExecutable(true)) {
                throw new IOException("cannot make " + partial + " executable");
            }
            // Who has the old file open, or mapped, keeps it.
            if (!Files.exists(target) || Files.mismatch(partial, target) >= 0) {
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}
