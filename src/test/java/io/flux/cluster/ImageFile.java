package io.flux.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the last stage of the Dockerfile says of the image.
 *
 * @param environment its variables
 * @param user {@code uid:gid}
 */
record ImageFile(Map<String, String> environment, String user) {
    private static final Pattern VARIABLE = Pattern.compile("(\\w+)=(\\S+)");

    static ImageFile read() throws IOException {
        String text = Files.readString(Path.of("Dockerfile")).replaceAll("\\\\\n", " ");
        Map<String, String> environment = new HashMap<>();
        String user = null;
        for (String line : text.substring(text.lastIndexOf("\nFROM ")).split("\n")) {
            if (line.startsWith("ENV ")) {
                Matcher variable = VARIABLE.matcher(line);
                while (variable.find()) {
                    environment.put(variable.group(1), variable.group(2));
                }
            } else if (line.startsWith("USER ")) {
                user = line.substring("USER ".length());
            }
        }
        return new ImageFile(environment, user);
    }
}
