"""Radiance cache in RTL."""
