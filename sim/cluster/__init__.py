"""Runs and measures the cluster engine."""
