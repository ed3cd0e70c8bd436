"""Radiance caching: the first Gaussians that a pixel meets name its colour, which is kept from frame to frame."""
