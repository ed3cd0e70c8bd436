"""Generated designs, kept by the hash of what they are made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from golden.errors import InputError
from hw.generate import ROOT, Generated, config_hash, generate
from sim.kernel.files import write_text

FOLDER = ROOT / "build" / "designs"
DESCRIBED = ("name", "ports", "modules", "config", "config_hash")  # what the JSON beside the Verilog says


#: Every file that can change a design: the RTL, what it may import of golden, harnesses and boards around it, and the
#: versions of this project and of what it uses.
SOURCES = (
    "pyproject.toml",
    "hw/**/*.py",
    "golden/*.py",
    "golden/*/spec.py",
    "golden/*/memory_map.py",
    "golden/chips/*/spec.py",
    "golden/chips/*/memory_map.py",
    "sim/kernel/memory.py",
    "sim/kernel/axi_loop.py",
    "sim/*/player.py",
    "fpga/**/*.py",
)


@cache
def sources_digest() -> str:
    """A hash of those files, and of the language's version."""
    digest = hashlib.sha256(version("amaranth").encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def design(make: Callable[[], wiring.Component], name: str, config: Any, *, variant: object = None) -> Generated:
    """`generate(make(), name, config)`, or the stored result of the same sources, config and variant.

    `variant` is whatever else `make` depends on, by its repr.
    """
    key = hashlib.sha256(f"{sources_digest()} {name} {config_hash(config)} {variant!r}".encode()).hexdigest()[:16]
    path = FOLDER / f"{name}-{key}.json"
    if path.exists():
        path.touch()  # used: what cleans up takes the oldest
        return Generated(**json.loads(path.read_text()))
    generated = generate(make(), name, config)
    write_text(path, json.dumps(asdict(generated)))
    return generated


def read_design(path: Path) -> Generated:
    """The design of a .v file and the .json that was generated beside it.

    Raises:
        InputError: one of them is missing, or the JSON describes no design.
    """
    try:
        described = json.loads(path.with_suffix(".json").read_text())
        return Generated(verilog=path.read_text(), rtlil="", **{key: described[key] for key in DESCRIBED})
    except OSError as error:
        raise InputError(
            f"{error.filename}: {error.strerror}; a design is a .v file with its .json beside it"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.with_suffix('.json')}: not the description of a design: {error!r}") from error
