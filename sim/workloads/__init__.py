"""Inputs of the benches, built from scenes, traces and seeds."""
