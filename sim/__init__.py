"""Runs and measures: simulation, synthesis, baselines, reports, the command line."""
