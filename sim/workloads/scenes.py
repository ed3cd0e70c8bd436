"""Scenes that suites and baselines run over when none is named."""

from __future__ import annotations

from pathlib import Path

from golden.scenes.embedded import EMBEDDED_NAME
from hw.generate import ROOT

REAL = ("lastchance.ply", "flowers_3_0.ply", "statue_angel.ply", "skull.ply")
DATA = ROOT.parent / "shared" / "data" / "scenes"  # optional; the project does not contain it


def known_scenes(folder: Path = DATA) -> list[str]:
    """The default scene, and the real ones where they lie beside the checkout."""
    return [EMBEDDED_NAME, *(str(folder / name) for name in REAL if (folder / name).is_file())]


def known_trees(folder: Path = DATA) -> list[str]:
    """The default scene, and the real hierarchy and scenes where they lie beside the checkout."""
    real = [folder.parent / "lod" / "statue_angel.hier", folder / "skull.ply", folder / "flowers_3_0.ply"]
    return [EMBEDDED_NAME, *(str(path) for path in real if path.is_file())]
