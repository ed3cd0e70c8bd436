"""The streaming Gaussian splatting pipeline (StreamingGS, section 4 of the paper; docs/splat.md)."""
