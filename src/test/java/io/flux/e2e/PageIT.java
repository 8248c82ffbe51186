package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.access.KeyHash;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.NoSuchElementException;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The page in a real browser. */
class PageIT {
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    /** Held here, or it would be collected with its level. */
    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

    @TempDir
    static Path folder;

    private static ChromeDriver browser;
    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        File chromium = Machine.program("/usr/bin/chromium").toFile();
        File driver = Machine.program("/usr/bin/chromedriver").toFile();
        SELENIUM.setLevel(Level.SEVERE); // it warns that it does not know this Chromium's developer tools
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium);
        options.addArguments(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--no-proxy-server",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--user-data-dir=" + folder.resolve("browser"));
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        browser = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(driver)
                        .usingAnyFreePort()
                        .withEnvironment(Map.of("HOME", folder.toString()))
                        .build(),
                options);
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("page-fake")
                .redis(TestRedis.empty())
                .engine(engine)
                .start();
    }

    @AfterAll
    static void stop() {
        if (flux != null) {
            flux.close();
        }
        if (browser != null) {
            browser.quit();
        }
    }

    @BeforeEach
    void forgetEarlierAnswers() {
        browser.get(flux.http("/").toString());
        browser.executeScript("sessionStorage.clear()");
        browser.get(flux.http("/").toString());
    }

    @AfterEach
    void theBrowserHasNothingToComplainAbout() {
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll())
                .noneMatch(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue());
    }

    @Test
    void whoTypesAQuestionReadsTheAnswerOfTheModel() {
        try (RunningFlux allInOne = RunningFlux.named("page-all-in-one").start()) {
            browser.get(allInOne.http("/").toString());
            ask("What is Redis?");
            awaitAnswer("done");
            assertThat(answer(".question")).isEqualTo("What is Redis?");
            assertThat(answer(".text")).contains("Redis");
            assertThat(answer(".ticket")).startsWith("Ticket ");
            assertThat(answer(".summary")).contains("token");
            assertThat(browser.findElement(By.id("stop")).isDisplayed()).isFalse();
            browser.get("about:blank"); // it would miss this Flux
        }
    }

    @Test
    void theStopButtonStopsTheAnswerAndItsEngine() {
        ask("gate never");
        awaitText("A");
        assertThat(state()).isEqualTo("running");
        browser.findElement(By.id("stop")).click();
        awaitAnswer("cancelled");
        assertThat(answer(".text")).isEqualTo("A");
        assertThat(answer(".summary")).contains("stopped by you");
        new WebDriverWait(browser, PATIENCE)
                .until(page -> engine.runs("gate never").stream().noneMatch(FakeEngine.Run::isAlive));
    }

    @Test
    void anAnswerGoesOnAfterThePageWasReloaded() {
        ask("gate reloaded");
        awaitText("A");
        browser.navigate().refresh();
        awaitText("A");
        engine.open("reloaded");
        awaitAnswer("done");
        assertThat(answer(".text")).isEqualTo("AB");
    }

    @Test
    void anAnswerGoesOnByItselfWhenItsGatewayWasKilledAndStartedAgain() {
        TestRedis redis = TestRedis.empty();
        RunningFlux doomed = RunningFlux.named("page-doomed")
                .gateway()
                .redis(redis)
                .impatient()
                .start();
        int port = doomed.port();
        try (RunningFlux worker = RunningFlux.named("page-worker")
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .start()) {
            browser.get(doomed.http("/").toString());
            ask("gate survived");
            awaitText("A");
            doomed.kill9();
            awaitStatus("Connection lost");
            try (RunningFlux again = RunningFlux.named("page-again")
                    .gateway()
                    .redis(redis)
                    .impatient()
                    .set("FLUX_PORT", port)
                    .start()) {
                awaitStatus("Reconnected, the answer goes on");
                assertThat(answer(".text")).isEqualTo("A");
                engine.open("survived");
                awaitAnswer("done");
                assertThat(answer(".text")).isEqualTo("AB");
                assertThat(worker.isAlive()).isTrue();
                browser.get("about:blank"); // it would miss this Flux
                assertThat(again.isAlive()).isTrue();
            }
        } finally {
            doomed.close();
            // A connection that breaks is what this is about, and the browser says so.
            browser.manage().logs().get(LogType.BROWSER);
        }
    }

    @Test
    void whereFluxWantsAKeyThePageAsksForItOnce() throws IOException {
        String key = KeyHash.newKey();
        Path keys = Files.writeString(
                folder.resolve("keys.yaml"), "keys:\n  - tenant: reader\n    sha256: \"" + KeyHash.hex(key) + "\"\n");
        try (RunningFlux locked = RunningFlux.named("page-locked")
                .redis(TestRedis.empty())
                .engine(engine)
                .set("FLUX_KEYS", keys)
                .start()) {
            browser.get(locked.http("/").toString());
            unlock("flux_wrong");
            new WebDriverWait(browser, PATIENCE)
                    .until(page ->
                            browser.findElement(By.id("notice")).getText().contains("does not know this key"));
            unlock(key);
            ask("echo unlocked");
            awaitAnswer("done");
            assertThat(answer(".text")).isEqualTo("unlocked");
            browser.navigate().refresh();
            ask("echo still");
            new WebDriverWait(browser, PATIENCE)
                    .until(page -> browser.findElements(By.cssSelector("article.answer .text")).stream()
                            .anyMatch(text -> text.getText().equals("still")));
            assertThat(browser.findElement(By.id("unlock")).isDisplayed()).isFalse();
            assertThat(locked.log()).doesNotContain(key);
            browser.executeScript("sessionStorage.clear()");
            browser.get("about:blank"); // it would miss this Flux
        } finally {
            // That it was not let in is what this is about, and the browser says so.
            browser.manage().logs().get(LogType.BROWSER);
        }
    }

    private static void unlock(String key) {
        new WebDriverWait(browser, PATIENCE)
                .until(page -> browser.findElement(By.id("unlock")).isDisplayed());
        browser.findElement(By.cssSelector("#unlock input")).sendKeys(key);
        browser.findElement(By.cssSelector("#unlock button")).click();
    }

    @Test
    void anErrorIsShownInWords() {
        ask("long");
        awaitAnswer("failed");
        assertThat(answer(".status")).contains("prompt is too long");
    }

    @Test
    void whatAModelWritesIsTextAndNotMarkup() {
        ask("echo <img src=x onerror=alert(1)><b>bold</b>");
        awaitAnswer("done");
        assertThat(answer(".text")).isEqualTo("<img src=x onerror=alert(1)><b>bold</b>");
    }

    private static void ask(String question) {
        browser.findElement(By.cssSelector("textarea#prompt")).sendKeys(question);
        browser.findElement(By.id("send")).click();
    }

    private static void awaitText(String text) {
        new WebDriverWait(browser, PATIENCE)
                .ignoring(NoSuchElementException.class)
                .until(page -> answer(".text").equals(text));
    }

    private static void awaitStatus(String words) {
        new WebDriverWait(browser, PATIENCE).until(page -> answer(".status").contains(words));
    }

    private static void awaitAnswer(String state) {
        new WebDriverWait(browser, PATIENCE).until(page -> state().equals(state));
    }

    private static String state() {
        return browser.findElement(By.cssSelector("article.answer")).getDomAttribute("data-state");
    }

    private static String answer(String part) {
        return browser.findElement(By.cssSelector("article.answer " + part)).getText();
    }
}
