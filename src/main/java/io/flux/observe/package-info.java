/** What operators see: health, queue status and metrics. Reads, never changes; knows Redis keys and Camel's routes. */
package io.flux.observe;
