"""RULES: evidence -> findings. Pure."""
