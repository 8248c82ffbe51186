package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {
    private static final String PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00-0-0-0",
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"
            })
    void whatBreaksTheRuleIsNoContext(String traceparent) {
        assertThat(TraceContext.of(traceparent, "a=b")).isNull();
    }

    @Test
    void noHeaderIsNoContext() {
        assertThat(TraceContext.of(null, "a=b")).isNull();
    }

    @Test
    void itIsReadAsItWasStoredAndTakenApart() {
        TraceContext context = TraceContext.of(PARENT, " vendor=x y,other=1 ");
        assertThat(TraceContext.read(context.stored())).isEqualTo(context);
        assertThat(context.tracestate()).isEqualTo("vendor=x y,other=1");
        assertThat(context.traceId()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
        assertThat(context.spanId()).isEqualTo("b7ad6b7169203331");
        assertThat(context.isSampled()).isTrue();
        assertThat(TraceContext.of(PARENT.replaceAll("01$", "02"), null).isSampled())
                .isFalse();
    }

    @Test
    void aStateThatIsNoneIsLeftOut() {
        assertThat(TraceContext.of(PARENT, "a=\u00e9")).isEqualTo(TraceContext.of(PARENT, null));
        assertThat(TraceContext.read(PARENT)).isEqualTo(TraceContext.of(PARENT, null));
        assertThat(TraceContext.read("")).isNull();
    }
}
