/**
 * The one HTTP server of a process, and what every request passes before it reaches a route: the header-injection guard,
 * the origin check and the key check. Knows Vert.x and Camel's two components on it, nothing of jobs or Redis.
 */
package io.flux.http;
