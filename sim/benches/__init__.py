"""cocotb benches: they run inside the simulator's process and never import torch."""
