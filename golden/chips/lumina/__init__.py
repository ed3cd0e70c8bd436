"""Lumina (ISCA 2025): a splatting pipeline whose pixels stop early where a radiance cache knows their colour."""
