/** Text as people's programs write it into files and messages. Knows nothing of what the text is for. */
package io.flux.text;
