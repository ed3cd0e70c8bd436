"""cocotb benches of the tests: like those of sim.benches, they run inside the simulator's process."""
