"""Tickets: layouts, key names, key files, weak keys. Pure."""
