"""The ways to make a TLS connection, behind one interface: QUIC and DTLS here, TLS over TCP in
`openssl/`."""
