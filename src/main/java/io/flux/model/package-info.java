/**
 * Models: those that this process is configured to serve, and those that somebody serves. Knows names, parameters and
 * configuration files; nothing of engines' processes, routes or clients.
 */
package io.flux.model;
