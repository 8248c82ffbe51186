package io.flux.engine;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds processes that hold the writing end of an engine's pipes. A child that outlives the engine keeps stdout open,
 * and a thread that reads there waits for as long as the child lives; once the engine is gone nothing else names that
 * child. Works where there is a Linux {@code /proc}; elsewhere it finds nothing.
 */
final class PipeWriters {
    private static final Path PROC = Path.of("/proc");

    private PipeWriters() {}

    /** The pipes behind a process's stdout and stderr, as the system names them. */
    static Set<String> pipesOf(long pid) {
        Set<String> pipes = new TreeSet<>();
        for (String descriptor : new String[] {"1", "2"}) {
            try {
                String target = Files.readSymbolicLink(
                                PROC.resolve(Long.toString(pid)).resolve("fd").resolve(descriptor))
                        .toString();
                if (target.startsWith("pipe:")) {
                    pipes.add(target);
                }
            } catch (IOException gone) {
                // It has exited already, or there is no /proc: then it has no pipes that matter.
            }
        }
        return pipes;
    }

    /** Kills each process, this one excepted, that can write to one of the pipes. Reads all of {@code /proc}. */
    static void kill(Collection<String> pipes) {
        if (pipes.isEmpty()) {
            return;
        }
        ProcessHandle self = ProcessHandle.current();
        ProcessHandle.allProcesses()
                .filter(process -> process.pid() != self.pid() && holdsWriter(process.pid(), pipes))
                .forEach(ProcessHandle::destroyForcibly);
    }

    private static boolean holdsWriter(long pid, Collection<String> pipes) {
        Path process = PROC.resolve(Long.toString(pid));
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (pipes.contains(Files.readSymbolicLink(descriptor).toString())
                        && isWritable(process.resolve("fdinfo").resolve(descriptor.getFileName()))) {
                    return true;
                }
            }
        } catch (IOException | RuntimeException goneOrNotOurs) {
            return false;
        }
        return false;
    }

    /** The two lowest bits of {@code flags} are the access mode, 0 for reading only. */
    private static boolean isWritable(Path fdinfo) throws IOException {
        return Files.readAllLines(fdinfo).stream()
                .filter(line -> line.startsWith("flags:"))
                .anyMatch(line -> (Long.parseLong(line.substring(6).strip(), 8) & 3) != 0);
    }
}
