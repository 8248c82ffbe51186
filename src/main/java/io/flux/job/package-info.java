/**
 * What people say to Flux and what it says to them: requests, their validation, events, chat templates. Knows JSON and
 * nothing of Redis, sockets, engines or routes.
 */
package io.flux.job;
