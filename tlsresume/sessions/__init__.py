"""Resumption states by kind, their facts, and session files. Pure."""
