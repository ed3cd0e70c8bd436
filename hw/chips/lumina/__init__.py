"""Lumina in RTL: the splatting engine with a radiance cache beside its lanes."""
