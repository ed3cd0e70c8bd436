"""Real inputs that the project does not contain: found by one setting, used where they are present."""

from __future__ import annotations

import os
from pathlib import Path

from hw.generate import ROOT
from sim.kernel.folders import BUILD

VARIABLE = "TESSERA_DATA"  #: environment variable: the folder of real scenes, hierarchies, keys and libraries
DEFAULT = ROOT / "data"  # not under version control
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"  # what `make model` fetches


def data_folder() -> Path:
    """The folder that TESSERA_DATA names, else `data` in the checkout; it need not exist."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def present(*names: str) -> list[str]:
    """Paths of those files of the data folder that exist."""
    return [str(path) for name in names if (path := data_folder() / name).is_file()]


def real_models() -> list[Path]:
    """Where the language model lies that the documentation measures: `make model` put it there, or the data has it."""
    folders = BUILD / "models", data_folder() / "models"
    return [path for folder in folders for path in sorted(folder.rglob(MODEL))]
