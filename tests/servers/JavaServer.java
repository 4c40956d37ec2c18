import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * An HTTPS server on the JDK's own TLS (JSSE): PORT KEYSTORE AUTHORITY [WORD...]
 *
 * <p>Words: a TLS version to allow, timeout=SECONDS, need (a client certificate),
 * context-each (a new SSLContext for each connection, as a careless program has it).
 */
public final class JavaServer {
    private static final char[] PASSWORD = "password".toCharArray();

    private static SSLContext context(String store, String authority, Set<String> words)
            throws IOException, GeneralSecurityException {
        KeyStore own = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(Path.of(store))) {
            own.load(in, PASSWORD);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(own, PASSWORD);
        TrustManager[] trusted = null;
        if (words.contains("need")) {
            KeyStore others = KeyStore.getInstance("PKCS12");
            others.load(null, null);
            try (InputStream in = Files.newInputStream(Path.of(authority))) {
                CertificateFactory factory = CertificateFactory.getInstance("X.509");
                others.setCertificateEntry("authority", factory.generateCertificate(in));
            }
            TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
            managers.init(others);
            trusted = managers.getTrustManagers();
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trusted, null);
        for (String word : words) {
            if (word.startsWith("timeout=")) {
                int seconds = Integer.parseInt(word.substring("timeout=".length()));
                context.getServerSessionContext().setSessionTimeout(seconds);
            }
        }
        return context;
    }

    private static void serve(SSLContext context, Socket accepted, Set<String> words)
            throws IOException {
        try (SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(accepted, null, true)) {
            socket.setUseClientMode(false);
            socket.setSoTimeout(10_000);
            socket.setNeedClientAuth(words.contains("need"));
            String[] versions =
                    words.stream().filter(w -> w.startsWith("TLSv")).toArray(String[]::new);
            if (versions.length > 0) {
                socket.setEnabledProtocols(versions);
            }
            BufferedReader in = new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            String line = in.readLine();
            while (line != null && !line.isEmpty()) {
                line = in.readLine();
            }
            String answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Set<String> words = new TreeSet<>();
        for (int n = 3; n < arguments.length; n++) {
            words.add(arguments[n]);
        }
        SSLContext one = context(arguments[1], arguments[2], words);
        var threads = Executors.newCachedThreadPool();
        try (ServerSocket listener = new ServerSocket()) {
            listener.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
            while (true) {
                Socket accepted = listener.accept();
                threads.submit(() -> {
                    try {
                        boolean each = words.contains("context-each");
                        serve(
                                each ? context(arguments[1], arguments[2], words) : one,
                                accepted,
                                words);
                    } catch (IOException | GeneralSecurityException error) {
                        System.err.println(error);
                    }
                    return null;
                });
            }
        }
    }
}
