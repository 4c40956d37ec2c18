"""TLS over TCP and DTLS by OpenSSL: bytes and frozen values outside, cffi inside."""
