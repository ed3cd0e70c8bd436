"""The specification: references, bit-true models, number formats, scenes.

Floor 0 of the house: imports nothing of ours. Torch is slow to import, and the RTL and the
simulator's process do without it. So what they need imports none: `errors`, `formats`, `rows`,
`tables`, `float_format`, `float_tables`, `scenes`, and every engine's `spec` and `memory_map`.
`integers`, `floats`, `threads`, references, models and the models' stages work on torch tensors.
Other files, such as the builders of memory images, import torch only where they take a model's tensors.
"""
