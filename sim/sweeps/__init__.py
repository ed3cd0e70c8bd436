"""Number formats against quality: the sweeps behind each engine's `spec.py`."""
