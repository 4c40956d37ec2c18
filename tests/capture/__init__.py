"""Tests of `tlsresume capture`."""
