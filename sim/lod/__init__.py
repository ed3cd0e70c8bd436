"""Runs and measures the lod engine."""
