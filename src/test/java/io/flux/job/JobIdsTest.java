package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JobIdsTest {
    @Test
    void aJobOfATenantHasItsNameInItsIdAndItsClientDoesNotSeeIt() {
        assertThat(JobIds.of("poem", "acme")).isEqualTo("poem@acme");
        assertThat(JobIds.requestId("poem@acme")).isEqualTo("poem");
        assertThat(JobIds.tenant("poem@acme")).isEqualTo("acme");
    }

    @Test
    void whereThereAreNoTenantsItIsTheRequestsId() {
        assertThat(JobIds.of("poem", "")).isEqualTo("poem");
        assertThat(JobIds.requestId("poem")).isEqualTo("poem");
        assertThat(JobIds.tenant("poem")).isEmpty();
        assertThat(JobIds.of(null, "acme")).isNull();
        assertThat(JobIds.requestId(null)).isNull();
    }
}
