"""Orchestration: probe, save, resume, inspect, and many targets side by side."""
