"""Bytes <-> values of TLS messages. Pure: no IO, no OpenSSL, no clock."""
