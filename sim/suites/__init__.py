"""Whole workloads, run, checked and reported."""
