"""Runs and measures the radiance cache."""
