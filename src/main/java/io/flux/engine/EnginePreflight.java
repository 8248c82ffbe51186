package io.flux.engine;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Says at the start, in words that name the setting to change, whether an engine can run at all. Immutable. */
public final class EnginePreflight {
    private static final byte[] GGUF = "GGUF".getBytes(StandardCharsets.US_ASCII);

    private final Path folder;
    private final String searchPath;

    /**
     * @param folder the folder of the llama.cpp commands ({@code FLUX_LLAMA_DIR}), or null to look on the search path
     * @param searchPath the value of {@code PATH}, or null when there is none
     */
    public EnginePreflight(Path folder, String searchPath) {
        this.folder = folder;
        this.searchPath = searchPath == null ? "" : searchPath;
    }

    /** With {@code FLUX_LLAMA_DIR}'s value, or null, and this process's {@code PATH}. */
    public static EnginePreflight ofEnvironment(String folder) {
        return new EnginePreflight(folder == null || folder.isBlank() ? null : Path.of(folder), System.getenv("PATH"));
    }

    /**
     * Finds a command.
     *
     * @param name such as {@code llama-completion}
     * @return its absolute path
     * @throws IllegalStateException when it is not there or cannot be run; the message says where it was looked for
     */
    public Path command(String name) {
        if (folder != null) {
            Path file = folder.resolve(name);
            if (!Files.isRegularFile(file)) {
                throw new IllegalStateException(name + " not found in FLUX_LLAMA_DIR=" + folder
                        + "; set FLUX_LLAMA_DIR to the folder of the llama.cpp commands");
            }
            if (!Files.isExecutable(file)) {
                throw new IllegalStateException(file + " is not executable; chmod +x it, or set FLUX_LLAMA_DIR to"
                        + " another folder of the llama.cpp commands");
            }
            return file.toAbsolutePath();
        }
        return Arrays.stream(searchPath.split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty())
                .map(entry -> Path.of(entry).resolve(name))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst()
                .map(Path::toAbsolutePath)
                .orElseThrow(() -> new IllegalStateException(name + " not found on PATH=" + searchPath
                        + "; set FLUX_LLAMA_DIR to the folder of the llama.cpp commands"));
    }

    /**
     * Checks a model file.
     *
     * @return its absolute path
     * @throws IllegalStateException when it is missing, cannot be read or is no GGUF; the message says which
     */
    public Path model(Path file) {
        String remedy = "; set FLUX_MODEL_FILE to a GGUF file";
        if (!Files.exists(file)) {
            throw new IllegalStateException("model file " + file + " does not exist" + remedy);
        }
        if (!Files.isRegularFile(file)) {
            throw new IllegalStateException("model file " + file + " is not a file" + remedy);
        }
        try (InputStream in = Files.newInputStream(file)) {
            if (!Arrays.equals(in.readNBytes(GGUF.length), GGUF)) {
                throw new IllegalStateException(
                        "model file " + file + " is not a GGUF file: it does not begin with 'GGUF'" + remedy);
            }
        } catch (IOException e) {
            throw new IllegalStateException("model file " + file + " cannot be read" + remedy, e);
        }
        return file.toAbsolutePath();
    }
}
