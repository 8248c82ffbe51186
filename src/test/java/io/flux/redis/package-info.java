/** Real Redis servers of the machine's own, several at once: a Cluster, and a master with Sentinels. */
package io.flux.redis;
