/** How long to wait before trying again. Knows nothing of what is tried. */
package io.flux.retry;
