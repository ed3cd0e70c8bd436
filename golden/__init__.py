"""The specification: references, bit-true models, number formats, scenes.

Floor 0 of the house: imports nothing of ours. `import golden` never imports torch; only
`reference.py`, `model.py` and `formats.py` do, so that the simulator's process starts fast.
"""
