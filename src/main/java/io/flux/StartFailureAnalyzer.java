package io.flux;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Lets a start that fails for a reason of our own say just that reason, which tells what to do, and no stack trace. */
final class StartFailureAnalyzer extends AbstractFailureAnalyzer<RuntimeException> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, RuntimeException cause) {
        for (Throwable failure = rootFailure; failure != null; failure = failure.getCause()) {
            boolean states = failure instanceof IllegalStateException || failure instanceof IllegalArgumentException;
            if (states && isOurs(failure)) {
                return new FailureAnalysis(failure.getMessage(), null, rootFailure);
            }
        }
        return null;
    }

    private static boolean isOurs(Throwable failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        return trace.length > 0 && trace[0].getClassName().startsWith("io.flux.");
    }
}
