package io.flux.cli;

import io.flux.text.Utf8;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * What a command shows a Flux, and by what it knows one: a key, and who vouches for the server. Both from the environment:
 * a command line is there for every user of the machine to read.
 *
 * @param key null for none
 * @param authorities whom to trust; null for those that Java trusts
 */
record FluxAccess(String key, SSLContext authorities) {

    /**
     * As {@code FLUX_KEY}, else {@code FLUX_KEY_FILE}, and {@code FLUX_CA} say. Reads the files.
     *
     * @throws Misuse when one cannot be read or does not hold that
     */
    static FluxAccess of(Map<String, String> environment) throws Misuse {
        String ca = environment.getOrDefault("FLUX_CA", "");
        return new FluxAccess(key(environment), ca.isBlank() ? null : trusting(ca));
    }

    private static String key(Map<String, String> environment) throws Misuse {
        String key = environment.getOrDefault("FLUX_KEY", "");
        String file = environment.getOrDefault("FLUX_KEY_FILE", "");
        if (key.isBlank() && !file.isBlank()) {
            try {
                key = Utf8.read(Path.of(file));
            } catch (IOException | InvalidPathException e) {
                throw new Misuse("FLUX_KEY_FILE names " + file + ", which cannot be read");
            }
        }
        if (key.isBlank()) {
            return null;
        }
        if (!key.strip().matches("[!-~]+")) {
            throw new Misuse(
                    "the key in FLUX_KEY or FLUX_KEY_FILE is none: it has a blank or a letter that keys do not have");
        }
        return key.strip();
    }

    private static SSLContext trusting(String file) throws Misuse {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            Collection<? extends Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate certificate : certificates) {
                store.setCertificateEntry("ca-" + store.size(), certificate);
            }
            if (store.size() == 0) {
                throw new Misuse("FLUX_CA names " + file + ", which holds no certificate in PEM");
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | InvalidPathException e) {
            throw new Misuse("FLUX_CA names " + file + ", which cannot be read");
        } catch (GeneralSecurityException e) {
            throw new Misuse("FLUX_CA names " + file + ", which holds no certificate in PEM");
        }
    }

    /** A client that trusts whom it should. */
    HttpClient.Builder http() {
        HttpClient.Builder builder = HttpClient.newBuilder();
        return authorities == null ? builder : builder.sslContext(authorities);
    }

    /** What to do about a key that was not let in. */
    String hint() {
        return key == null
                ? "set FLUX_KEY, or FLUX_KEY_FILE to the file that holds the key"
                : "FLUX_KEY or FLUX_KEY_FILE holds another key than it should";
    }

    /** Not the key. */
    @Override
    public String toString() {
        return "FluxAccess[" + (key == null ? "no key" : "a key") + "]";
    }
}
