"""Real inputs that the project does not contain: found by one setting, used where they are present."""

from __future__ import annotations

import os
from pathlib import Path

from hw.generate import ROOT

VARIABLE = "TESSERA_DATA"  #: environment variable: the folder of real scenes, hierarchies, keys and libraries
DEFAULT = ROOT / "data"  # not under version control


def data_folder() -> Path:
    """The folder that TESSERA_DATA names, else `data` in the checkout; it need not exist."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def present(*names: str) -> list[str]:
    """Paths of those files of the data folder that exist."""
    return [str(path) for name in names if (path := data_folder() / name).is_file()]
