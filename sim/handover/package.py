"""An engine as a package: all that a system needs of it, in one folder."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from golden.errors import InputError
from hw.generate import project_version
from sim.handover.bench import Product, write_bench
from sim.handover.c_header import c_header
from sim.handover.project_files import constraints, core_file, file_list
from sim.handover.python_class import python_class
from sim.handover.readme import readme
from sim.handover.register_page import register_page
from sim.handover.system_rdl import system_rdl
from sim.handover.timing_diagram import wavedrom
from sim.kernel.files import require_writable, write_text


def require_new_folder(folder: Path) -> None:
    """Says before long work whether a package can be written there.

    Raises:
        InputError: the folder cannot be made, or has something in it.
    """
    require_writable(folder / "README.md")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: a package needs a folder of its own, this one is not empty")


def write_package(product: Product, folder: Path, memory_map: ModuleType, *, commit: str) -> None:
    """Writes every file; `README.md`, the last one, says what each is for."""
    name, registers, title = product.design.name, product.component.registers, product.title
    texts = {
        f"rtl/{name}.v": product.design.verilog,
        f"{name}.json": product.design.description(commit),
        f"{name}.f": file_list(name),
        f"{name}.core": core_file(name, project_version(), title),
        f"constraints/{name}.sdc": constraints(name),
        f"registers/{name}.md": register_page(registers, title, product.counters),
        f"registers/{name}.h": c_header(registers, title, product.counters),
        f"registers/{name}.py": python_class(registers, title, product.counters),
        f"registers/{name}.rdl": system_rdl(registers, title),
        "timing.json": wavedrom(),
    }
    for path, text in texts.items():
        write_text(folder / path, text)
    write_bench(product, folder / "test", rtl=Path("..", "rtl", f"{name}.v"))
    write_text(folder / "README.md", readme(product, memory_map))
