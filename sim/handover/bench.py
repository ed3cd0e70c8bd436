"""A bench of the user's own: an engine's job on memory and host of cocotbext-axi, without anything of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.bus.axi_engine import AxiEngine
from hw.generate import Generated, config_hash
from hw.lib.counters import CounterLayout
from sim.handover.job_files import write_job
from sim.handover.python_class import python_class
from sim.kernel.files import write_text
from sim.kernel.vectors import Vectors

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Product:
    """An engine on its bus, generated, and what is known of it."""

    engine: str
    label: str  #: of the config, as people call it
    config: Any  #: the engine's
    component: AxiEngine
    design: Generated
    vectors: Vectors  #: a small job, with the model's results

    @property
    def counters(self) -> CounterLayout:
        """The engine's."""
        return self.component.master.signature.members["counters"].shape

    @property
    def title(self) -> str:
        """For the first line of a file."""
        return f"Tessera {self.engine}, config {config_hash(self.config)} ({self.label})"


def write_bench(product: Product, folder: Path, *, rtl: Path) -> None:
    """The tests, what runs them, the registers' class, and a small job; `rtl` is the Verilog, seen from `folder`."""
    run = (FOLDER / "run_template.py").read_text()
    write_text(folder / "run.py", run.replace("@TOP@", product.design.name).replace("@SOURCE@", rtl.as_posix()))
    write_text(folder / "test_job.py", (FOLDER / "job_bench.py").read_text())
    write_text(folder / "registers.py", python_class(product.component.registers, product.title, product.counters))
    write_job(product.vectors, folder, word_bytes=product.config.word_bytes, inputs_at_rest=[*product.component.passed])
