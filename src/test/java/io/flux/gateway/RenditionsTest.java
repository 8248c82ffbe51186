package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RenditionsTest {
    private static final String TICKET = "{\"type\":\"ticket\",\"request_id\":\"a\",\"model\":\"m\",\"position\":1}";
    private static final String TOKEN = "{\"type\":\"token\",\"request_id\":\"a\",\"seq\":2,\"content\":\"x\\ny\"}";
    private static final String COMPLETE =
            "{\"type\":\"complete\",\"request_id\":\"a\",\"seq\":3,\"finish_reason\":\"stop\"}";
    private static final String FAILED =
            "{\"type\":\"error\",\"request_id\":\"a\",\"seq\":3,\"code\":\"engine_failed\",\"error\":\"it crashed\"}";
    private static final String REFUSED =
            "{\"type\":\"error\",\"request_id\":\"a\",\"code\":\"overloaded\",\"error\":\"full\",\"retry_after_ms\":1001}";

    private final Renditions renditions = new Renditions(new ObjectMapper());
    private final Page page = new Page();

    /** What a client reads. */
    private static final class Page implements HttpAnswer {
        private final StringBuilder body = new StringBuilder();
        private int status;
        private Map<String, String> headers = Map.of();
        private boolean ended;

        @Override
        public boolean hasHead() {
            return status > 0;
        }

        @Override
        public void head(int code, Map<String, String> fields) {
            assertThat(status).as("one head").isZero();
            status = code;
            headers = fields;
        }

        @Override
        public void whole(int code, Map<String, String> fields, String text) {
            head(code, fields);
            write(text);
            end();
        }

        @Override
        public void write(String text) {
            assertThat(ended).isFalse();
            body.append(text);
        }

        @Override
        public void end() {
            ended = true;
        }

        @Override
        public void cut() {
            throw new AssertionError("nothing is cut");
        }
    }

    @Test
    void aStreamHasTheSeqAsTheIdOfEachEventAndEndsWithTheLast() {
        Rendition stream = renditions.eventStream().get();
        stream.heartbeat(page);
        assertThat(page.status).as("nothing to say yet").isZero();
        stream.event(TICKET, page);
        stream.event(TOKEN, page);
        stream.heartbeat(page);
        assertThat(page.ended).isFalse();
        stream.event(COMPLETE, page);
        assertThat(page.body.toString())
                .isEqualTo("retry: 1000\nevent: ticket\ndata: " + TICKET + "\n\nid: 2\nevent: token\ndata: " + TOKEN
                        + "\n\n:\nid: 3\nevent: complete\ndata: " + COMPLETE + "\n\n");
        assertThat(page.ended).isTrue();
        assertThat(page.headers).containsEntry("Content-Type", "text/event-stream");
    }

    @Test
    void aStreamThatIsRefusedIsAnErrorWithItsStatus() {
        renditions.eventStream().get().event(REFUSED, page);
        assertThat(page.status).isEqualTo(429);
        assertThat(page.headers).containsEntry("Retry-After", "2");
        assertThat(page.body.toString()).isEqualTo(REFUSED);
        assertThat(page.ended).isTrue();
    }

    @Test
    void whoeverComesBackAfterTheEndIsToldToStayAway() {
        renditions.eventStream().get().over(page);
        assertThat(page.status).isEqualTo(204);
        assertThat(page.ended).isTrue();
    }

    @Test
    void aGatewayThatStopsEndsTheStreamForItsClientToComeBack() {
        Rendition stream = renditions.eventStream().get();
        stream.event(TICKET, page);
        stream.interrupted(page);
        assertThat(page.ended).isTrue();
        Page early = new Page();
        renditions.eventStream().get().interrupted(early);
        assertThat(early.status).isEqualTo(503);
    }

    @Test
    void aWholeAnswerIsTheJobsReport() {
        Rendition whole = renditions.wholeAnswer().get();
        whole.event(TICKET, page);
        whole.event(TOKEN, page);
        assertThat(page.status).isZero();
        whole.event(COMPLETE, page);
        assertThat(page.status).isEqualTo(200);
        assertThat(page.body.toString()).contains("\"state\":\"done\"", "\"text\":\"x\\ny\"", "\"model\":\"m\"");
    }

    @Test
    void anAnswerThatFailedSaysSoWithItsStatus() {
        Rendition whole = renditions.wholeAnswer().get();
        whole.event(TICKET, page);
        whole.event(FAILED, page);
        assertThat(page.status).isEqualTo(500);
        assertThat(page.body.toString()).contains("\"state\":\"failed\"", "\"code\":\"engine_failed\"");
    }
}
