"""Runs and measures the splat engine."""
