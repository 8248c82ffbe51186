package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.job.Refusal;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.DefaultRegistry;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With Camel's own file endpoint and a real folder. */
@Timeout(60)
class DroppedFilesTest {
    @TempDir
    Path folder;

    private final List<String> read = new CopyOnWriteArrayList<>();
    private final List<String> reasons = new CopyOnWriteArrayList<>();
    private DefaultCamelContext camel;
    private DroppedFiles files;

    @BeforeEach
    void start() throws Exception {
        files = new DroppedFiles(
                Clock.systemUTC(),
                Duration.ofSeconds(1),
                new DroppedFiles.Bound(10, "FLUX_LIMIT"),
                (Refusal why) -> reasons.add(why.getMessage()));
        DefaultRegistry registry = new DefaultRegistry();
        registry.bind("files", files);
        camel = new DefaultCamelContext(registry);
        camel.getCamelContextExtension().addInterceptStrategy(new ErrorsAsExceptions());
        camel.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                onException(Throwable.class).handled(true);
                from("file:" + folder
                                + "?include=RAW((?is).*[.]txt)&exclude=RAW((?is).*[.]answer[.]txt)&filter=#files"
                                + "&pollStrategy=#files&delay=20&initialDelay=0&move=done")
                        .routeId("connectors-test")
                        .process(exchange -> {
                            String name = exchange.getMessage().getHeader("CamelFileNameOnly", String.class);
                            if (name.startsWith("error")) {
                                throw new StackOverflowError("deep");
                            }
                            read.add(name);
                        })
                        .process(new AsyncStep());
            }
        });
        camel.start();
    }

    /** One that Camel does not wrap. */
    private static final class AsyncStep extends AsyncProcessorSupport {
        @Override
        public boolean process(Exchange exchange, AsyncCallback callback) {
            if (exchange.getMessage()
                    .getHeader("CamelFileNameOnly", String.class)
                    .startsWith("async")) {
                throw new OutOfMemoryError("not really");
            }
            callback.done(true);
            return true;
        }
    }

    @AfterEach
    void stop() {
        camel.stop();
    }

    private void drop(String name, String content) {
        try {
            Path file = Files.writeString(folder.resolve(".new"), content);
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
            Files.move(file, folder.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String awaitReason(String name) throws IOException {
        Path reason = folder.resolve("failed").resolve(name);
        await().until(() -> Files.exists(reason));
        return Files.readString(reason);
    }

    private void awaitNext() {
        drop("next-" + read.size() + ".txt", "next");
        await().until(() -> Files.exists(folder.resolve("done/next-" + (read.size() - 1) + ".txt")));
    }

    @Test
    void aFileAboveTheBoundIsSetAsideUnreadByItsSize() throws Exception {
        try (RandomAccessFile sparse =
                new RandomAccessFile(folder.resolve(".big").toFile(), "rw")) {
            sparse.setLength(3L << 30);
        }
        Files.setLastModifiedTime(
                folder.resolve(".big"), FileTime.from(Instant.now().minusSeconds(60)));
        Files.move(folder.resolve(".big"), folder.resolve("big.txt"));
        assertThat(awaitReason("big.error.txt")).isEqualTo("it has 3221225472 bytes, and may have 10 (FLUX_LIMIT)");
        assertThat(folder.resolve("failed/big.txt")).hasSize(3L << 30);
        awaitNext();
        assertThat(read).containsExactly("next-0.txt");
        assertThat(reasons).hasSize(1);
    }

    @Test
    void linksAreSetAsideOnceAndNotFollowed() throws Exception {
        Path secret = Files.writeString(folder.resolve(".secret"), "secret");
        Files.createSymbolicLink(folder.resolve("dangling.txt"), Path.of("/nowhere/at/all"));
        Files.createSymbolicLink(folder.resolve("elsewhere.txt"), secret);
        Files.createSymbolicLink(folder.resolve("folder.txt"), folder);
        Files.createSymbolicLink(folder.resolve("left-alone.md"), secret);
        for (String name : List.of("dangling", "elsewhere", "folder")) {
            assertThat(awaitReason(name + ".error.txt")).isEqualTo("it is a symbolic link, and links are not followed");
            assertThat(Files.isSymbolicLink(folder.resolve("failed").resolve(name + ".txt")))
                    .isTrue();
            assertThat(Files.exists(folder.resolve(name + ".txt"), LinkOption.NOFOLLOW_LINKS))
                    .isFalse();
        }
        awaitNext();
        awaitNext();
        assertThat(reasons).hasSize(3);
        assertThat(read).containsExactly("next-0.txt", "next-1.txt");
        assertThat(secret).hasContent("secret");
        assertThat(folder.resolve("left-alone.md")).exists();
    }

    @Test
    void whatIsNoFileOrHasAnUnfitNameIsSetAside() throws Exception {
        run("mkfifo", folder.resolve("pipe.txt").toString());
        run("sh", "-c", "printf x > \"$(printf '" + folder + "/odd\\377.txt')\"");
        drop("line\nbreak.txt", "x");
        drop("back\\slash.txt", "x");
        Files.createDirectory(folder.resolve("folder.txt"));
        assertThat(awaitReason("pipe.error.txt")).isEqualTo("it is not a regular file");
        for (String name : List.of("odd_", "line_break", "back_slash")) {
            assertThat(awaitReason(name + ".error.txt")).startsWith("its name has a backslash");
            assertThat(folder.resolve("failed").resolve(name + ".txt")).hasContent("x");
        }
        awaitNext();
        assertThat(reasons).hasSize(4);
        assertThat(read).containsExactly("next-0.txt");
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void namesThatLookLikeExpressionsAreNames() {
        drop("${sys.user.home} %s {{x}}.txt", "x");
        await().until(() -> Files.exists(folder.resolve("done/${sys.user.home} %s {{x}}.txt")));
    }

    @Test
    void anErrorEndsNeitherTheFileNorTheConsumer() {
        drop("error-1.txt", "x");
        drop("async-1.txt", "x");
        drop("async-2.txt", "x");
        for (String name : List.of("error-1", "async-1", "async-2")) {
            await("the end of " + name).until(() -> Files.exists(folder.resolve("done/" + name + ".txt")));
        }
        read.clear();
        awaitNext();
    }

    @Test
    void aFileThatGrewOrBecameALinkSinceItWasSeenIsNotRead() throws Exception {
        Path file = Files.writeString(folder.resolve("seen.md"), "0123456789");
        assertThat(new String(files.read(file.toString()), StandardCharsets.UTF_8))
                .isEqualTo("0123456789");
        Files.writeString(file, "01234567890");
        Assertions.assertThatThrownBy(() -> files.read(file.toString()))
                .isInstanceOf(Refusal.class)
                .hasMessage("it has 11 bytes, and may have 10 (FLUX_LIMIT)");
        Path link = Files.createSymbolicLink(folder.resolve("link.md"), file);
        Assertions.assertThatThrownBy(() -> files.read(link.toString())).isInstanceOf(IOException.class);
    }

    @Test
    void nothingIsMovedThroughALinkThatIsCalledFailed() throws Exception {
        Path elsewhere = Files.createDirectory(folder.resolve(".elsewhere"));
        Files.createSymbolicLink(folder.resolve("failed"), elsewhere);
        Files.createSymbolicLink(folder.resolve("dangling.txt"), Path.of("/nowhere"));
        awaitNext();
        awaitNext();
        assertThat(elsewhere).isEmptyDirectory();
        assertThat(reasons).isEmpty();
    }
}
