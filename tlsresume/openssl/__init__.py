"""The only door to OpenSSL: bytes and frozen values outside, cffi inside."""
