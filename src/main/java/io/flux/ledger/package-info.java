/**
 * What Flux remembers: jobs, queues, leases and journals in Redis. One method for each transition, each a Lua script of
 * the same name in {@code src/main/resources/redis}. Knows Redis and jobs, nothing of sockets, engines or routes.
 */
package io.flux.ledger;
