"""Tops of compositions of several engines; on this floor the one place that may import more than one."""
