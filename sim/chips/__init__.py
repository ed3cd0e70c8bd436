"""Compositions of several engines; the one place that may import more than one."""
