"""One file per thing the tool does for one target: probe, save, resume, inspect."""
