"""Streaming Gaussian splatting: reference, specification and bit-true model."""
