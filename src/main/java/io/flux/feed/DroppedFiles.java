package io.flux.feed;

import io.flux.job.Event;
import io.flux.job.Refusal;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.camel.Endpoint;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.component.file.GenericFileFilter;
import org.apache.camel.support.DefaultPollingConsumerPollStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is dropped into a folder, before a route reads it. As the endpoint's {@code filter} it lets through regular files
 * that are whole, which is when nothing has been written to them for a while: the program that writes a file seldom says
 * when it is done. As its {@code pollStrategy} it moves what can never be read to {@code failed/}, before each look at the
 * folder, unread and with the reason beside it: files above the bound, symbolic links, which are not followed, whatever
 * else is no regular file, and names that Camel cannot handle. Other names than the endpoint includes are left alone.
 * Thread-safe; every method blocks for the file system.
 */
public final class DroppedFiles extends DefaultPollingConsumerPollStrategy implements GenericFileFilter<File> {
    private static final Logger LOG = LoggerFactory.getLogger(DroppedFiles.class);
    private static final String FAILED = "failed";
    /** Camel takes a backslash for a slash. */
    private static final Pattern UNFIT = Pattern.compile("[\\p{Cntrl}\\\\\uFFFD]");

    private final Clock clock;
    private final Duration quiet;
    private final Bound bound;
    private final Consumer<Refusal> putAside;
    private final Set<Path> stuck = new HashSet<>();

    /**
     * The largest file.
     *
     * @param bytes at most this many
     * @param option that sets it: {@code FLUX_BATCH_LIMIT}
     */
    public record Bound(long bytes, String option) {}

    /**
     * @param clock of the machine that the files are written on
     * @param quiet since the last change of a file
     * @param putAside hears why a file was moved
     */
    public DroppedFiles(Clock clock, Duration quiet, Bound bound, Consumer<Refusal> putAside) {
        this.clock = clock;
        this.quiet = quiet;
        this.bound = bound;
        this.putAside = putAside;
    }

    @Override
    public boolean accept(GenericFile<File> file) {
        if (file.isDirectory()) {
            return true;
        }
        try {
            Path path = file.getFile().toPath();
            return why(path) == null && isWhole(attributes(path));
        } catch (IOException e) {
            return false; // it is gone
        }
    }

    @Override
    public boolean begin(org.apache.camel.Consumer consumer, Endpoint endpoint) {
        GenericFileEndpoint<?> files = (GenericFileEndpoint<?>) endpoint;
        Path folder = Path.of(files.getConfiguration().getDirectory());
        Pattern include = files.getIncludePattern();
        Pattern exclude = files.getExcludePattern();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            for (Path path : all) {
                String name = path.getFileName().toString();
                if (!name.startsWith(".")
                        && include.matcher(name).matches()
                        && !exclude.matcher(name).matches()) {
                    look(path);
                }
            }
        } catch (IOException e) {
            LOG.debug("{} cannot be listed: {}", folder, e.toString());
        }
        return true;
    }

    private void look(Path path) throws IOException {
        try {
            String why = why(path);
            if (why != null && !stuck.contains(path)) {
                moveAway(path, why);
            }
        } catch (NoSuchFileException e) {
            LOG.trace("{} is gone", path);
        }
    }

    /** Why it can never be read; null when it may be. */
    private String why(Path path) throws IOException {
        BasicFileAttributes attributes = attributes(path);
        if (attributes.isDirectory()) {
            return null;
        }
        if (attributes.isSymbolicLink()) {
            return "it is a symbolic link, and links are not followed";
        }
        if (!attributes.isRegularFile()) {
            return "it is not a regular file";
        }
        if (UNFIT.matcher(path.getFileName().toString()).find()) {
            return "its name has a backslash, a control character or bytes that are no text";
        }
        if (attributes.size() > bound.bytes() && isWhole(attributes)) {
            return tooLarge(attributes.size());
        }
        return Files.isReadable(path) ? null : "it cannot be read: its permissions do not allow Flux's user to";
    }

    private static BasicFileAttributes attributes(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    private boolean isWhole(BasicFileAttributes attributes) {
        return attributes.lastModifiedTime().toMillis() <= clock.millis() - quiet.toMillis();
    }

    private String tooLarge(long bytes) {
        return "it has " + bytes + " bytes, and may have " + bound.bytes() + " (" + bound.option() + ")";
    }

    private void moveAway(Path path, String why) {
        String name = UNFIT.matcher(path.getFileName().toString()).replaceAll("_");
        Path failed = path.resolveSibling(FAILED);
        try {
            if (!Files.isDirectory(failed, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(failed);
            }
            Files.move(path, failed.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            Path reason = failed.resolve(".flux-" + name);
            Files.deleteIfExists(reason);
            Files.write(reason, why.getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE_NEW);
            Files.move(
                    reason,
                    failed.resolve(new ResultNames(path.getParent(), failed, failed, "error", "txt").of(name, null)),
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            stuck.add(path);
            LOG.error("{} in {} is left there: {}; it cannot be moved: {}", name, path.getParent(), why, e.toString());
            return;
        }
        LOG.warn("{} in {} is moved to {}/: {}", name, path.getParent(), FAILED, why);
        putAside.accept(refusal(why));
    }

    private static Refusal refusal(String why) {
        return new Refusal(Event.Error.answer(null, "invalid_request", why, null));
    }

    /**
     * The content of a file that was accepted. It may have been changed meanwhile.
     *
     * @throws Refusal when it is above the bound now
     * @throws IOException when it cannot be read, or is a link now
     */
    public byte[] read(String path) throws IOException {
        try (InputStream in = Channels.newInputStream(
                Files.newByteChannel(Path.of(path), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
            int most = (int) Math.min(bound.bytes(), Integer.MAX_VALUE - 16);
            byte[] bytes = in.readNBytes(most);
            if (in.read() >= 0) {
                throw refusal(tooLarge(Files.size(Path.of(path))));
            }
            return bytes;
        }
    }

    @Override
    public String toString() {
        return "DroppedFiles" + Arrays.asList(bound, quiet);
    }
}
