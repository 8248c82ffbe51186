# syntax=docker/dockerfile:1
# One image for gateways and workers: FLUX_BUNDLES says which a container is. docs/kubernetes.md runs it; .ci/image builds
# and runs these very steps in a private root, where there is no container engine.
#
# What is written, and needs a writable mount where the root is read-only: /var/lib/flux (the unpacked engine and model of
# FLUX_ENGINE=bundled; it runs from there, so the mount must not be noexec) and /tmp.

# Debian's testing suite: the first that has llama.cpp.
FROM debian:forky-slim AS build
# No versions: the suite moves on, and keeps none that one could pin.
# hadolint ignore=DL3008
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      binutils libgomp1 maven openjdk-21-jdk-headless \
    && rm -rf /var/lib/apt/lists/*

# A Java with all of Java SE, the parts of the JDK that libraries ask for, and jcmd and the flight recorder for whoever
# looks into a pod. 98 MB, where the distribution's JRE has 195 MB; most of what a node without the image waits for.
RUN jlink --output /opt/java --strip-debug --no-header-files --no-man-pages --include-locales=en \
      --add-modules java.se,jdk.charsets,jdk.crypto.ec,jdk.jcmd,jdk.jfr,jdk.localedata,jdk.management,jdk.naming.dns,jdk.net,jdk.unsupported,jdk.zipfs \
    && /opt/java/bin/java -XX:+UseG1GC -Xshare:dump

WORKDIR /src
COPY .mvn .mvn
COPY pom.xml ./
COPY docs/api docs/api
COPY routes routes
COPY src/main src/main
RUN --mount=type=cache,target=/root/.m2 \
    mvn -B -ntp -q -Dmaven.test.skip=true -Dspotless.check.skip=true package
RUN /opt/java/bin/java -Djarmode=tools -jar target/flux.jar extract --destination /opt/flux \
    && cp -r routes src/main/jvm.options /opt/flux/

# One question to a Flux of its own: the classes that it loads are kept as the JVM lays them out in memory.
ENV FLUX_ROUTES=/opt/flux/routes FLUX_DATA=/tmp/training FLUX_THREADS=1 LC_ALL=C.UTF-8
RUN /opt/java/bin/java -XX:ArchiveClassesAtExit=/opt/flux/flux.jsa \
      -cp /opt/flux/flux.jar io.flux.cli.Ask --url http://127.0.0.1:1 --max-tokens 8 --timeout 60s Hello \
    && rm -rf /tmp/training && test -s /opt/flux/flux.jsa

FROM debian:forky-slim
LABEL org.opencontainers.image.title="Flux" \
      org.opencontainers.image.description="The control plane for LLM inference, written as Apache Camel routes" \
      org.opencontainers.image.licenses="Apache-2.0"
# tini reaps what a killed engine leaves, which Java as the first process would not; and says 0 for a Java that ended on
# SIGTERM.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libgomp1 llama.cpp-tools tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 flux \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/flux --create-home --shell /usr/sbin/nologin flux
COPY --from=build /opt/java /opt/java
COPY --from=build /opt/flux /opt/flux

# Beyond loopback a gateway wants FLUX_KEYS, and does not start without.
ENV PATH=/opt/java/bin:$PATH LC_ALL=C.UTF-8 \
    FLUX_HOST=0.0.0.0 FLUX_PORT=8080 FLUX_ROUTES=/opt/flux/routes FLUX_DATA=/var/lib/flux
USER 10001:10001
WORKDIR /var/lib/flux
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$FLUX_PORT; printf 'GET /health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3; read -r _ status _ <&3; test \"$status\" = 200"]

# Half of the container's memory for the heap: sockets, threads and classes take the rest. More options: JDK_JAVA_OPTIONS,
# which comes before these.
ENTRYPOINT ["/usr/bin/tini", "-e", "143", "--", \
    "/opt/java/bin/java", "@/opt/flux/jvm.options", "-XX:MaxRAMPercentage=50", "-XX:+ExitOnOutOfMemoryError", \
    "-XX:SharedArchiveFile=/opt/flux/flux.jsa", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", \
    "-jar", "/opt/flux/flux.jar"]
