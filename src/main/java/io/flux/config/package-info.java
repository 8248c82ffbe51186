/**
 * Configuration files in YAML: their text, their schema, and faults that are told with their line. Knows nothing of what
 * the files are about.
 */
package io.flux.config;
