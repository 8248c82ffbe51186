package io.flux;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalysisReporter;

/** Says in the log why Flux does not start, in one entry. Spring's own report, of ten lines and more, is off in application.yaml. */
final class StartFailureReporter implements FailureAnalysisReporter {
    private static final Logger LOG = LoggerFactory.getLogger(StartFailureReporter.class);

    @Override
    public void report(FailureAnalysis analysis) {
        LOG.error("Flux cannot start: {}", analysis.getDescription().strip().replaceAll("\\R\\s*\\R", "\n"));
    }
}
