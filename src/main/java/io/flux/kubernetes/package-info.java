/** What a pod tells Kubernetes about itself, where it may. Knows nothing of jobs, Redis and routes. */
package io.flux.kubernetes;
