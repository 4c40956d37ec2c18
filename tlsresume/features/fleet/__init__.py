"""Many targets: lists of any length, side by side, in several processes or on several machines."""
