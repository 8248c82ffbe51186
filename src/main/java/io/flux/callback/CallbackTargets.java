package io.flux.callback;

import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;

/**
 * Where answers may be posted to: not into the network that Flux itself is in, which a client could reach through it
 * otherwise. As the resolver of the HTTP client it sees the addresses that are connected to, so that a name whose address
 * has changed since it was first looked at does not get through. Thread-safe.
 */
public final class CallbackTargets implements DnsResolver {
    private static final DnsResolver SYSTEM = SystemDefaultDnsResolver.INSTANCE;

    private final boolean anywhere;
    private final boolean signed;

    /**
     * @param anywhere whether private addresses are allowed
     * @param signed whether there is a secret to sign with
     */
    public CallbackTargets(boolean anywhere, boolean signed) {
        this.anywhere = anywhere;
        this.signed = signed;
    }

    /**
     * Looks at the address that a request names. One whose name cannot be resolved now is taken: it may be later.
     *
     * @throws Refusal {@code forbidden}
     */
    public void check(JobRequest request) {
        if (!signed) {
            throw refuse(request, "callback_url is not available here: FLUX_CALLBACK_SECRET is not set");
        }
        String host = URI.create(request.callbackUrl()).getHost();
        try {
            resolve(host.startsWith("[") ? host.substring(1, host.length() - 1) : host);
        } catch (PrivateAddressException e) {
            throw refuse(request, "callback_url must not lead to a private address, as " + host + " does");
        } catch (UnknownHostException e) {
            // It is looked at again when the answer is posted.
            return;
        }
    }

    private static Refusal refuse(JobRequest request, String rule) {
        return new Refusal(Event.Error.answer(request.requestId(), "forbidden", rule, "callback_url"));
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        InetAddress[] addresses = SYSTEM.resolve(host);
        for (InetAddress address : addresses) {
            if (!anywhere && isPrivate(address)) {
                throw new PrivateAddressException(host);
            }
        }
        return addresses;
    }

    @Override
    public String resolveCanonicalHostname(String host) throws UnknownHostException {
        return SYSTEM.resolveCanonicalHostname(host);
    }

    /** Registered in IANA's special-purpose address registries as not reachable from everywhere. */
    static boolean isPrivate(InetAddress address) {
        byte[] bytes = address.getAddress();
        int first = bytes[0] & 0xff;
        int second = bytes[1] & 0xff;
        boolean special = address.isAnyLocalAddress()
                || address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress();
        if (special) {
            return true;
        }
        if (bytes.length == 4) {
            return first == 0
                    || (first == 100 && (second & 0xc0) == 64) // shared address space, RFC 6598
                    || (first == 192 && second == 0 && bytes[2] == 0) // IETF protocol assignments
                    || (first == 198 && (second & 0xfe) == 18) // benchmarking
                    || first >= 240; // reserved, and broadcast
        }
        boolean embedsIpv4 = (first == 0x00 && second == 0x64 && (bytes[2] & 0xff) == 0xff && (bytes[3] & 0xff) == 0x9b)
                || (first == 0x20 && second == 0x02); // NAT64 and 6to4 lead to IPv4 addresses of any kind
        return (first & 0xfe) == 0xfc || embedsIpv4; // unique local addresses, RFC 4193
    }

    /** The name leads where answers may not be posted to. */
    static final class PrivateAddressException extends UnknownHostException {
        private static final long serialVersionUID = 1L;

        PrivateAddressException(String host) {
            super(host + " is a private address");
        }
    }
}
