package io.flux.job;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Pattern;

/**
 * Which addresses answers may be posted to, as far as their form says: http or https, a host that is a name or an address,
 * no password, no fragment. The pattern of {@code callback_url} in the API's documents allows exactly these.
 */
final class CallbackUrl {
    /** Characters of Unicode. */
    static final int MAX_LENGTH = 2048;

    private static final String LABEL = "(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.)*";
    private static final String LAST_LABEL = "[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.?";
    private static final String BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final String IPV4 = BYTE + "(?:\\." + BYTE + "){3}";
    /** Also with an IPv4 address in it, behind {@code ::} or {@code ::ffff:}. */
    private static final String IPV6 = "\\[(?:[0-9A-Fa-f:]+|::(?:[Ff]{4}:)?" + IPV4 + ")\\]";

    private static final String PORT =
            "(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?";
    /** One class of characters, which Java matches without recursion; java.net.URI looks at what follows a percent sign. */
    private static final String REST = "(?:[/?][A-Za-z0-9._~!$&'()*+,;=:@/?%\\-"
            + "[^\\u0000-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]]*+)?";

    private static final Pattern FORM =
            Pattern.compile("https?://(?:" + LABEL + LAST_LABEL + "|" + IPV4 + "|" + IPV6 + ")" + PORT + REST);

    private CallbackUrl() {}

    /** Whether a text is one. */
    static boolean isOne(String text) {
        if (text.codePointCount(0, text.length()) > MAX_LENGTH
                || !FORM.matcher(text).matches()) {
            return false;
        }
        try {
            return new URI(text).getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }
}
