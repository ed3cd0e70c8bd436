"""Runs and measures the kv engine."""
