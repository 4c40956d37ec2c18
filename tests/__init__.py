"""Tests and their peers; a package, so that a test can import `tests.peers`."""
