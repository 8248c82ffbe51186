package io.flux.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class JobLogTest {
    @AfterEach
    void clear() {
        MDC.clear();
    }

    @Test
    void whatAThreadLogsIsAboutTheJobThatItHasUntilItLeaves() {
        JobLog.enter("poem-1@acme", "default", "w-1");
        JobLog.attempt(2);
        assertThat(MDC.getCopyOfContextMap())
                .isEqualTo(Map.of(
                        "request_id", "poem-1", "tenant", "acme", "model", "default", "attempt", "2", "worker", "w-1"));
        JobLog.leave();
        assertThat(MDC.getCopyOfContextMap()).isNullOrEmpty();
    }

    @Test
    void theNextJobHasNothingOfTheOneBefore() {
        JobLog.enter("poem-1@acme", "default", "w-1");
        JobLog.attempt(2);
        JobLog.enter("poem-2", "default", "w-1");
        assertThat(MDC.getCopyOfContextMap())
                .isEqualTo(Map.of("request_id", "poem-2", "model", "default", "worker", "w-1"));
    }

    @Test
    void aLineAboutAnotherJobLeavesTheThreadsOwnAsItWas() {
        JobLog.enter("poem-1@acme", "default", "w-1");
        Map<String, String> before = MDC.getCopyOfContextMap();
        try (var unused = JobLog.about("poem-2", "chat", 3)) {
            assertThat(MDC.getCopyOfContextMap())
                    .isEqualTo(Map.of("request_id", "poem-2", "model", "chat", "attempt", "3"));
        }
        assertThat(MDC.getCopyOfContextMap()).isEqualTo(before);
    }

    @Test
    void aJobThatIsNotKnownIsNoField() {
        try (var unused = JobLog.about(null)) {
            assertThat(MDC.getCopyOfContextMap()).isNullOrEmpty();
        }
    }

    @Test
    void fieldsOfOthersAreLeftAlone() {
        MDC.put("trace_id", "abc");
        try (var unused = JobLog.about("poem-1")) {
            assertThat(MDC.get("trace_id")).isEqualTo("abc");
        }
        JobLog.leave();
        assertThat(MDC.get("trace_id")).isEqualTo("abc");
    }
}
