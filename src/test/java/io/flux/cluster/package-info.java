/** What is for a cluster, checked without one: the manifests in {@code k8s/} and {@code keda/}, and the Dockerfile's names. */
package io.flux.cluster;
