package io.flux.embedded;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

/**
 * How to start {@link BundledEngine}: unpacks the native library and the shipped model into a folder, once, and knows the
 * command line up to llama-completion's own flags. Immutable.
 */
public final class BundledEngineCommand {
    private static final String MODEL = "flux-tiny-q8_0.gguf";
    private static final String LLAMA = "/META-INF/maven/de.kherud/llama/pom.properties";
    /** Found by their class files, so that the engine's JVM opens two jars and not a hundred. */
    private static final List<String> CLASSES = List.of("io.flux.embedded.BundledEngine", "de.kherud.llama.LlamaModel");
    /** A log that old is of an engine that was killed while it started. */
    private static final Duration STALE = Duration.ofHours(1);

    private final Path libraries;
    private final Path temporary;
    private final Path model;
    private final List<String> launch;

    private BundledEngineCommand(Path libraries, Path temporary, Path model, List<String> launch) {
        this.libraries = libraries;
        this.temporary = temporary;
        this.model = model;
        this.launch = launch;
    }

    /**
     * Unpacks what the engine needs. Several processes may do so at once.
     *
     * @param folder where to; made when it is not there
     * @throws IllegalStateException when llama.cpp is not in the jar for this platform
     * @throws UncheckedIOException when the folder cannot be written
     */
    public static BundledEngineCommand prepare(Path folder) {
        String name = System.mapLibraryName("jllama");
        String platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
        String resource = "/de/kherud/llama/" + platform + "/" + name;
        if (BundledEngineCommand.class.getResource(resource) == null) {
            throw new IllegalStateException("the bundled engine has no llama.cpp for " + platform
                    + "; use one of this machine's with FLUX_ENGINE=llama-completion and FLUX_LLAMA_DIR");
        }
        Path root = folder.toAbsolutePath();
        try {
            // One folder per version, so that what is there is right and need not be compared.
            Path library = root.resolve("llama-" + llamaVersion()).resolve(name);
            if (!Files.exists(library)) {
                Unpacking.write(open(resource), library, false);
            }
            Path temporary = Files.createDirectories(root.resolve("tmp"));
            sweep(temporary);
            return new BundledEngineCommand(library.getParent(), temporary, unpackModel(root), launch());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the bundled engine into " + root, e);
        }
    }

    /**
     * Unpacks the shipped model.
     *
     * @return its file
     */
    public static Path unpackModel(Path folder) {
        Path model = folder.toAbsolutePath().resolve(MODEL);
        try {
            Unpacking.write(open("/models/" + MODEL), model, false);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the shipped model into " + folder, e);
        }
        return model;
    }

    /** The program: this JVM's own. */
    public String executable() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The arguments before llama-completion's flags. */
    public List<String> leadingArguments() {
        List<String> arguments = new ArrayList<>(List.of(
                // It lives for one answer: start fast, stay small.
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                "-Xshare:auto",
                "-Xmx64m",
                // No file in the temp folder that a killed engine would leave there.
                "-XX:-UsePerfData",
                // What the JVM itself says is no part of an answer.
                "-XX:+DisplayVMOutputToStderr",
                "-XX:ErrorFile=" + temporary.resolve("crash-%p.txt"),
                "-Dde.kherud.llama.lib.path=" + libraries,
                // llama's loader deletes files that look like its own there.
                "-Dde.kherud.llama.tmpdir=" + temporary));
        arguments.addAll(launch);
        return List.copyOf(arguments);
    }

    /** The shipped model. */
    public Path modelFile() {
        return model;
    }

    /** The folder in llama's jar that holds the library of a platform. */
    static String platform(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        String system = os.contains("linux") ? "Linux" : os.contains("mac") ? "Mac" : osName;
        return system
                + "/"
                + switch (osArch) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "arm64", "aarch64" -> "aarch64";
                    default -> osArch;
                };
    }

    private static String llamaVersion() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = open(LLAMA)) {
            properties.load(in);
        }
        return properties.getProperty("version");
    }

    private static InputStream open(String resource) {
        InputStream in = BundledEngineCommand.class.getResourceAsStream(resource);
        if (in == null) {
            throw new IllegalStateException("this build of Flux is not whole: its jars have no " + resource);
        }
        return in;
    }

    private static void sweep(Path temporary) throws IOException {
        Instant limit = Instant.now().minus(STALE);
        try (DirectoryStream<Path> logs = Files.newDirectoryStream(temporary, "engine-*.log")) {
            for (Path log : logs) {
                if (Files.exists(log)
                        && Files.getLastModifiedTime(log).toInstant().isBefore(limit)) {
                    Files.deleteIfExists(log);
                }
            }
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
                        Path.of(System.getProperty("java.class.path"))
                                .toAbsolutePath()
                                .toString(),
                        "-Dloader.main=" + main,
                        "org.springframework.boot.loader.launch.PropertiesLauncher");
            }
            path.add(source.toString());
        }
        return List.of("-cp", String.join(File.pathSeparator, path), main);
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
