package io.flux.observe;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The files and sockets that this process may have open. Thread-safe. */
final class Descriptors {
    /** Percent that may be open. The rest is for what is under way: connections to Redis, engines, files. */
    private static final int MOST = 90;

    private final UnixOperatingSystemMXBean system =
            ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix ? unix : null;

    /** Null while there are enough, and where that is not known. */
    String problem() {
        if (system == null) {
            return null;
        }
        long most = system.getMaxFileDescriptorCount();
        try {
            return problem(system.getOpenFileDescriptorCount(), most);
        } catch (InternalError e) {
            return problem(most, most); // counting them takes one more
        }
    }

    static String problem(long open, long most) {
        return most <= 0 || open * 100 < most * MOST
                ? null
                : "file descriptors are nearly gone: " + open + " of " + most
                        + " are open (ulimit -n, LimitNOFILE); new clients may not be accepted";
    }
}
