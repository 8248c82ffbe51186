package io.flux.embedded;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.embedded.core.ExecutableProvider;
import redis.embedded.model.OsArchitecture;

/**
 * A {@code redis-server} that can be run: the machine's own when it is no older than {@link #OLDEST_CURRENT}, since the
 * machine's updates keep it current; else the one of this platform in our jars.
 *
 * @param file the program
 * @param version as it says itself
 */
record RedisProgram(Path file, Version version) {
    /** The first 6.2 without the holes in Redis's Lua that were found until 2025. */
    static final Version OLDEST_CURRENT = new Version(6, 2, 20);

    private static final Pattern SAID =
            Pattern.compile("\\b(?:Redis|Valkey) server v=(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})");
    private static final Pattern NAMED = Pattern.compile("redis-server-(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})");
    private static final int TIMEOUT_SECONDS = 10;
    private static final int MAX_SAID_BYTES = 4096;

    /** A version of Redis, which is ordered as its numbers are. */
    record Version(int major, int minor, int patch) implements Comparable<Version> {
        private static final Comparator<Version> ORDER = Comparator.comparingInt(Version::major)
                .thenComparingInt(Version::minor)
                .thenComparingInt(Version::patch);

        private static Optional<Version> in(String text, Pattern pattern) {
            Matcher found = pattern.matcher(text);
            return found.find()
                    ? Optional.of(new Version(
                            Integer.parseInt(found.group(1)),
                            Integer.parseInt(found.group(2)),
                            Integer.parseInt(found.group(3))))
                    : Optional.empty();
        }

        @Override
        public int compareTo(Version other) {
            return ORDER.compare(this, other);
        }

        @Override
        public String toString() {
            return major + "." + minor + "." + patch;
        }
    }

    /**
     * Blocks while the machine's own is asked for its version, and while the one in our jars is unpacked.
     *
     * @param searchPath folders as in PATH
     * @param folder where the one in our jars is unpacked
     * @throws IllegalStateException when there is none for this platform
     */
    static RedisProgram choose(String searchPath, Path folder) throws IOException {
        Optional<RedisProgram> machine = ofMachine(searchPath).filter(RedisProgram::isCurrent);
        return machine.isPresent() ? machine.get() : packaged(folder);
    }

    /** Whether its known holes are closed. */
    boolean isCurrent() {
        return version.compareTo(OLDEST_CURRENT) >= 0;
    }

    int major() {
        return version.major();
    }

    private static Optional<RedisProgram> ofMachine(String searchPath) throws IOException {
        Optional<Path> file = Arrays.stream(searchPath.split(File.pathSeparator))
                .filter(part ->
                        part.startsWith("/")) // a folder that depends on where Flux was started is not the machine's
                .map(part -> Path.of(part, "redis-server"))
                .filter(program -> Files.isRegularFile(program) && Files.isExecutable(program))
                .findFirst();
        if (file.isEmpty()) {
            return Optional.empty();
        }
        ProcessBuilder builder = new ProcessBuilder(file.get().toString(), "--version").redirectErrorStream(true);
        builder.environment().keySet().retainAll(Set.of("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"));
        Process process = builder.start();
        try {
            process.getOutputStream().close();
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                return Optional.empty();
            }
            String said = new String(process.getInputStream().readNBytes(MAX_SAID_BYTES), StandardCharsets.UTF_8);
            return Version.in(said, SAID).map(version -> new RedisProgram(file.get(), version));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the embedded Redis was starting", e);
        } finally {
            process.destroyForcibly();
        }
    }

    /** Of embedded-redis only the binary: its server class installs a JVM hook. */
    private static RedisProgram packaged(Path folder) throws IOException {
        String os = System.getProperty("os.name");
        String arch = System.getProperty("os.arch");
        OsArchitecture platform = platform(os, arch);
        String resource = platform == null
                ? null
                : ExecutableProvider.newProvidedVersionsMap().get(platform);
        if (resource == null) {
            throw new IllegalStateException("there is no embedded Redis for " + os + " on " + arch
                    + "; install redis-server " + OLDEST_CURRENT
                    + " or newer, or point FLUX_REDIS_URL at a Redis, such as redis://localhost:6379");
        }
        String path = resource.startsWith("/") ? resource : "/" + resource;
        // Named after its version, so that what is there is right.
        String name = path.substring(path.lastIndexOf('/') + 1);
        Path server = folder.resolve(name);
        if (!Files.isExecutable(server)) {
            InputStream in = ExecutableProvider.class.getResourceAsStream(path);
            if (in == null) {
                throw new IllegalStateException("this build of Flux is not whole: its jars have no " + path);
            }
            Unpacking.write(in, server, true);
        }
        Version version = Version.in(name, NAMED)
                .orElseThrow(() -> new IllegalStateException("the name of " + name + " does not tell its version"));
        return new RedisProgram(server, version);
    }

    /** The library's own name of a platform; null for one that it, or the guard's shell, does not know. */
    static OsArchitecture platform(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        boolean linux = os.contains("linux");
        boolean mac = os.contains("mac");
        return switch (osArch) {
            case "amd64", "x86_64" -> linux ? OsArchitecture.UNIX_x86_64 : mac ? OsArchitecture.MAC_OS_X_x86_64 : null;
            case "aarch64", "arm64" -> linux ? OsArchitecture.UNIX_AARCH64 : mac ? OsArchitecture.MAC_OS_X_ARM64 : null;
            case "x86", "i386" -> linux ? OsArchitecture.UNIX_x86 : null;
            default -> null;
        };
    }

    /** Version and file, for people. */
    @Override
    public String toString() {
        return "Redis " + version + " (" + file + ")";
    }
}
