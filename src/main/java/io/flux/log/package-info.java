/**
 * What lines of the log carry besides their words: the job that they are about. Knows how a job's id is made; nothing of
 * what a job is.
 */
package io.flux.log;
