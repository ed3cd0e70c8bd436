"""Tops composed of several engines; the one place of the RTL that may import more than one."""
