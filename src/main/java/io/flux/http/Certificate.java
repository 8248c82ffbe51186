package io.flux.http;

import io.flux.config.NamedFile;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemKeyCertOptions;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509KeyManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the server proves with who it is: a certificate and its key, in two PEM files that may be replaced while it runs.
 * Each handshake asks here, so that a renewed certificate is shown to whoever comes next and nobody is cut off. Vert.x
 * can exchange its options too, but fails whoever connects while it does.
 *
 * <p>Thread-safe; {@link #renew} is called by one thread at a time.
 */
final class Certificate extends X509ExtendedKeyManager {
    private static final Logger LOG = LoggerFactory.getLogger(Certificate.class);
    private static final byte[] PROBE = {1, 2, 3};
    /** For a key of each kind, a signature that it can make. */
    private static final Map<String, String> SIGNATURES =
            Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");

    private final Vertx vertx;
    private final NamedFile certificate;
    private final NamedFile key;
    private String seen = "";
    private String complaint = "";
    private volatile Pair current;
    /** For handshakes that have begun with it. */
    private volatile Pair previous;

    /**
     * A certificate with its key.
     *
     * @param alias which tells it from those before it
     */
    private record Pair(String alias, PrivateKey key, X509Certificate[] chain) {}

    /**
     * Reads both files; blocks for that.
     *
     * @throws IllegalArgumentException when they are no certificate and its key
     */
    Certificate(Vertx vertx, Path certificate, Path key) {
        this.vertx = vertx;
        this.certificate = new NamedFile("FLUX_TLS_CERT", certificate);
        this.key = new NamedFile("FLUX_TLS_KEY", key);
        this.current = read(this.certificate.text(), this.key.text(), 1);
        this.previous = current;
    }

    /** Reads the files again; blocks for that. What is wrong is logged once, and not taken. */
    void renew() {
        try {
            String certificateText = certificate.text();
            String keyText = key.text();
            if (seen.equals(certificateText + keyText)) {
                return;
            }
            Pair renewed = read(certificateText, keyText, Integer.parseInt(current.alias()) + 1);
            previous = current;
            current = renewed;
            complaint = "";
            LOG.info("the certificate has changed");
        } catch (IllegalArgumentException e) {
            if (!complaint.equals(e.getMessage())) {
                complaint = e.getMessage();
                LOG.warn("the certificate stays as it was: {}", complaint);
            }
        }
    }

    private Pair read(String certificateText, String keyText, int number) {
        Pair pair;
        try {
            KeyManagerFactory factory = new PemKeyCertOptions()
                    .setCertValue(Buffer.buffer(certificateText))
                    .setKeyValue(Buffer.buffer(keyText))
                    .getKeyManagerFactory(vertx);
            X509KeyManager manager = Arrays.stream(factory.getKeyManagers())
                    .filter(X509KeyManager.class::isInstance)
                    .map(X509KeyManager.class::cast)
                    .findFirst()
                    .orElseThrow();
            String alias = SIGNATURES.keySet().stream()
                    .map(type -> manager.getServerAliases(type, null))
                    .filter(aliases -> aliases != null && aliases.length > 0)
                    .findFirst()
                    .orElseThrow()[0];
            pair = new Pair(Integer.toString(number), manager.getPrivateKey(alias), manager.getCertificateChain(alias));
        } catch (Exception e) {
            // Vert.x throws whatever its parts throw.
            throw new IllegalArgumentException(
                    "FLUX_TLS_CERT and FLUX_TLS_KEY name " + certificate.path() + " and " + key.path()
                            + ", which are not a certificate and its key in PEM: " + e.getMessage(),
                    e);
        }
        if (!belong(pair)) {
            throw key.refused("is not the key of the certificate in " + certificate.path());
        }
        seen = certificateText + keyText;
        return pair;
    }

    private static boolean belong(Pair pair) {
        try {
            Signature signature =
                    Signature.getInstance(SIGNATURES.getOrDefault(pair.key().getAlgorithm(), "EdDSA"));
            signature.initSign(pair.key());
            signature.update(PROBE);
            byte[] signed = signature.sign();
            signature.initVerify(pair.chain()[0].getPublicKey());
            signature.update(PROBE);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    @Override
    public String chooseEngineServerAlias(String keyType, Principal[] issuers, SSLEngine engine) {
        Pair now = current;
        // Some key types say also by whom the certificate is signed: EC_RSA.
        return keyType.split("_")[0].equals(now.key().getAlgorithm()) ? now.alias() : null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
        Pair pair = named(alias);
        return pair == null ? null : pair.chain().clone();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
        Pair pair = named(alias);
        return pair == null ? null : pair.key();
    }

    private Pair named(String alias) {
        Pair now = current;
        Pair before = previous;
        return now.alias().equals(alias) ? now : before.alias().equals(alias) ? before : null;
    }

    @Override
    public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
        return chooseEngineServerAlias(keyType, issuers, null);
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
        String alias = chooseEngineServerAlias(keyType, issuers, null);
        return alias == null ? null : new String[] {alias};
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
        return null;
    }

    @Override
    public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
        return null;
    }
}
