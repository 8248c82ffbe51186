package io.flux.callback;

import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.hc.client5.http.DnsResolver;

/**
 * Where answers may be posted to: not into the network that Flux itself is in, which a client could reach through it
 * otherwise. As the resolver of the HTTP client it sees the addresses that are connected to, so that a name whose address
 * has changed since it was first looked at does not get through. Thread-safe.
 */
public final class CallbackTargets implements DnsResolver {
    private static final Duration LOOKUP = Duration.ofSeconds(3);
    /** A host of Microsoft's cloud that answers each of its machines, in the middle of public addresses. */
    private static final int AZURE_PLATFORM = 0xA83F_8110;

    private final DnsResolver names = new NameLookup(LOOKUP);
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
        InetAddress[] addresses = names.resolve(host);
        for (InetAddress address : addresses) {
            if (!anywhere && isPrivate(address)) {
                throw new PrivateAddressException(host);
            }
        }
        return addresses;
    }

    @Override
    public String resolveCanonicalHostname(String host) throws UnknownHostException {
        return names.resolveCanonicalHostname(host);
    }

    /**
     * Whether it is not an address that is reachable from everywhere, by IANA's special-purpose address registries; also one
     * of IPv6 that leads to an address of IPv4, whichever that is, and those at which clouds tell their machines secrets.
     */
    static boolean isPrivate(InetAddress address) {
        return address.isAnyLocalAddress()
                || address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()
                || (address.getAddress().length == 4
                        ? isSpecialIpv4(ByteBuffer.wrap(address.getAddress()).getInt())
                        : isSpecialIpv6(ByteBuffer.wrap(address.getAddress()).getInt()));
    }

    private static boolean isSpecialIpv4(int address) {
        return in(address, 0x0000_0000, 8) // this network
                || in(address, 0x6440_0000, 10) // shared address space, RFC 6598; Alibaba's metadata
                || in(address, 0xC000_0000, 24) // IETF protocol assignments; Oracle's metadata
                || in(address, 0xC000_0200, 24) // documentation
                || in(address, 0xC058_6300, 24) // relays of 6to4
                || in(address, 0xC612_0000, 15) // benchmarking
                || in(address, 0xC633_6400, 24) // documentation
                || in(address, 0xCB00_7100, 24) // documentation
                || in(address, 0xF000_0000, 4) // reserved, and broadcast
                || address == AZURE_PLATFORM;
    }

    /**
     * All that is global is in 2000::/3. Outside it are, among others, ::/96 and ::ffff:0:0/96, which stand for addresses of
     * IPv4, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique local (fc00::/7) and site-local (fec0::/10) addresses.
     *
     * @param first the address's first 32 bits, which decide
     */
    private static boolean isSpecialIpv6(int first) {
        return !in(first, 0x2000_0000, 3)
                || in(first, 0x2001_0000, 23) // IETF protocol assignments; Teredo, which stands for addresses of IPv4
                || first == 0x2001_0DB8 // documentation
                || in(first, 0x2002_0000, 16) // 6to4, which stands for addresses of IPv4
                || in(first, 0x3FFF_0000, 20); // documentation
    }

    private static boolean in(int address, int network, int bits) {
        return (address ^ network) >>> (Integer.SIZE - bits) == 0;
    }

    /** The name leads where answers may not be posted to. */
    static final class PrivateAddressException extends UnknownHostException {
        private static final long serialVersionUID = 1L;

        PrivateAddressException(String host) {
            super(host + " is a private address");
        }
    }
}
