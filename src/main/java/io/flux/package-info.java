/**
 * The application: reads the configuration, starts what is embedded, selects the route bundles and wires the beans that
 * routes call by name. What happens to a job, and in which order, is in {@code routes/}.
 */
package io.flux;
