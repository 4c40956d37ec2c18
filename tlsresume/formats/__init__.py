"""One file per format: pure functions from results to text."""
