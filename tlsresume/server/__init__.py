"""Our own server: TLS over TCP, DTLS and QUIC on loopback or where told, every connection observed."""
