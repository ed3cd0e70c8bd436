"""Builds a simulator and runs the tests of test_job.py: `python run.py`, or `SIM=verilator python run.py`.

Needs cocotb 2, cocotbext-axi, and the simulator: Icarus Verilog, unless SIM names another that cocotb knows.
"""

import os
import sys
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

HERE = Path(__file__).resolve().parent
TOP, SOURCE = "@TOP@", HERE / "@SOURCE@"
SIMULATOR = os.environ.get("SIM") or "icarus"


def main():
    """0 if every test passed."""
    sys.path.insert(0, str(HERE))  # where the simulator's Python finds the tests
    folder = HERE / f"build-{SIMULATOR}"
    runner = get_runner(SIMULATOR)
    runner.build(sources=[SOURCE], hdl_toplevel=TOP, build_dir=folder, timescale=("1ns", "1ps"))
    results = runner.test(
        test_module="test_job",
        hdl_toplevel=TOP,
        hdl_toplevel_lang="verilog",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
    )
    count, failures = get_results(Path(results))
    return 0 if count and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
