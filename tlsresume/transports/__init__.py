"""The ways to make a TLS connection other than OpenSSL's over TCP: QUIC, and DTLS."""
