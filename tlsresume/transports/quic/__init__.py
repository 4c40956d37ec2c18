"""QUIC (RFC 9000) with TLS 1.3 inside it (RFC 9001), by the library aioquic."""
