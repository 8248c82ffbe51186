/**
 * What makes the all-in-one run with nothing installed: a Redis server and llama.cpp, both out of our own jar and both as
 * processes of their own. Knows processes and files, nothing of routes, jobs or Redis keys.
 */
package io.flux.embedded;
