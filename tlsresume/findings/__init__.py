"""The engine, the checks and their texts: evidence in, findings out. Pure."""
