package io.flux.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How to start {@link BundledEngine}: unpacks the native library and the shipped model into a folder, once, and knows the
 * command line up to llama-completion's own flags.
 */
public final class BundledEngineCommand {
    private static final String MODEL = "flux-tiny-q8_0.gguf";
    /** Found by their class files, so that the engine's JVM opens two jars and not a hundred. */
    private static final List<String> CLASSES = List.of("io.flux.embedded.BundledEngine", "de.kherud.llama.LlamaModel");

    private final Path libraries;
    private final Path model;
    private final List<String> launch;

    private BundledEngineCommand(Path libraries, Path model, List<String> launch) {
        this.libraries = libraries;
        this.model = model;
        this.launch = launch;
    }

    /**
     * Unpacks what the engine needs. Several processes may do so at once.
     *
     * @param folder where to; made when it is not there
     * @throws IllegalStateException when llama.cpp is not in the jar for this platform
     */
    public static BundledEngineCommand prepare(Path folder) {
        String library = System.mapLibraryName("jllama");
        String resource = "/de/kherud/llama/" + platform() + "/" + library;
        if (BundledEngineCommand.class.getResource(resource) == null) {
            throw new IllegalStateException("the bundled engine has no llama.cpp for " + platform()
                    + "; use one of this machine's with FLUX_ENGINE=llama-completion and FLUX_LLAMA_DIR");
        }
        Path unpacked = unpack(resource, folder, library);
        return new BundledEngineCommand(unpacked.getParent(), unpackModel(folder), launch());
    }

    /**
     * Unpacks the shipped model.
     *
     * @return its file
     */
    public static Path unpackModel(Path folder) {
        return unpack("/models/" + MODEL, folder, MODEL);
    }

    /** The program: this JVM's own. */
    public String executable() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The arguments before llama-completion's flags. */
    public List<String> leadingArguments() {
        List<String> arguments = new ArrayList<>(List.of(
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                // what the JVM itself says is no part of an answer
                "-XX:+DisplayVMOutputToStderr",
                "-Xmx64m",
                "-Dde.kherud.llama.lib.path=" + libraries,
                // llama's loader deletes files that look like its own there
                "-Dde.kherud.llama.tmpdir=" + libraries.resolve("tmp")));
        arguments.addAll(launch);
        return arguments;
    }

    /** The shipped model. */
    public Path modelFile() {
        return model;
    }

    private static String platform() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch");
        String system = os.contains("linux") ? "Linux" : os.contains("mac") ? "Mac" : System.getProperty("os.name");
        return system + "/" + (arch.equals("amd64") ? "x86_64" : arch.equals("arm64") ? "aarch64" : arch);
    }

    private static Path unpack(String resource, Path folder, String name) {
        try (InputStream in = BundledEngineCommand.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("the jar has no " + resource);
            }
            byte[] content = in.readAllBytes();
            Path target = folder.toAbsolutePath().resolve(name);
            Files.createDirectories(folder.resolve("tmp"));
            if (!Files.exists(target) || Files.size(target) != content.length) {
                Path partial = Files.createTempFile(folder, name, ".partial");
                Files.write(partial, content);
                // A whole file or none, for whoever starts at the same moment.
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack " + name + " into " + folder, e);
        }
    }

    /** Class path and main class, for wherever our own classes came from. */
    private static List<String> launch() {
        String main = BundledEngine.class.getName();
        List<String> path = new ArrayList<>();
        for (String name : CLASSES) {
            Path source = source(name);
            if (source == null) {
                // Inside a jar of jars, which only Spring Boot's launcher can read.
                return List.of(
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-Dloader.main=" + main,
                        "org.springframework.boot.loader.launch.PropertiesLauncher");
            }
            path.add(source.toString());
        }
        return List.of("-cp", String.join(System.getProperty("path.separator"), path), main);
    }

    private static Path source(String className) {
        try {
            // Not initialised: llama's class would load its library here.
            CodeSource source = Class.forName(className, false, BundledEngineCommand.class.getClassLoader())
                    .getProtectionDomain()
                    .getCodeSource();
            URL location = source == null ? null : source.getLocation();
            return location != null && location.getProtocol().equals("file") ? Path.of(location.toURI()) : null;
        } catch (ClassNotFoundException | URISyntaxException e) {
            return null;
        }
    }
}
