"""A path to search: tree, cameras and config to a memory image; the trees that are searched when none is named."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy
from golden.lod.load import HIER, load_hierarchy
from golden.lod.memory_image import LodImage, build_memory_image
from golden.lod.sltree import build_sltree
from golden.lod.spec import Spec
from golden.lod.tree_image import TreeImage, build_tree_image
from golden.lod.view import View, make_path
from golden.scenes import Camera
from golden.scenes.embedded import EMBEDDED_NAME
from hw.lod.config import Config
from sim.kernel.data import present


@dataclass(frozen=True, kw_only=True)
class LodWorkload:
    """A path of views through a tree, laid out for `config`."""

    config: Config
    image: TreeImage
    cameras: Sequence[Camera]
    tau: float  #: pixels
    path: Sequence[View]  #: the cameras, quantised
    temporal: bool  #: every view goes on from the one before
    frustum: bool  #: what lies outside the picture is left out
    memory: LodImage
    name: str | None = None  #: of the path
    view: str | None = None  #: its place on an orbit, by which baselines know a single view
    host_seconds: float = 0.0  #: that quantising the views took

    @property
    def tree(self) -> Hierarchy:
        """The tree as it was loaded."""
        return self.image.sltree.hierarchy

    def info(self) -> dict[str, Any]:
        """What identifies it in baselines and reports."""
        search = search_info(
            self.tree, self.cameras[-1], self.tau, view=self.view, path=self.name, frames=len(self.path),
            temporal=self.temporal, frustum=self.frustum,
        )  # fmt: skip
        return {
            **search, "subtrees": len(self.image.sltree), "camera": self.cameras[-1].to_json(),
            "host_ms": round(1e3 * self.host_seconds, 3),
        }  # fmt: skip


def search_info(
    tree: Hierarchy, camera: Camera, tau: float, *, view: str | None = None, path: str | None = None, frames: int = 1,
    temporal: bool = False, frustum: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What makes a search the same for a report and a baseline."""
    return {
        "tree": tree.scene.name, "nodes": len(tree), "tau_px": tau, "size": f"{camera.width}x{camera.height}",
        "view": view, "path": path, "frames": frames, "search": "temporal" if temporal else "full", "frustum": frustum,
    }  # fmt: skip


def load_tree(source: str, spec: Spec) -> TreeImage:
    """A hierarchy, or one built over a scene, in the engine's form.

    Raises:
        InputError: whatever the readers refuse.
    """
    return build_tree_image(build_sltree(load_hierarchy(source), spec))


def prepare(
    image: TreeImage, cameras: Sequence[Camera], tau: float, config: Config, *, temporal: bool, frustum: bool = False,
    buffers: int | None = None, name: str | None = None, view: str | None = None,
) -> LodWorkload:  # fmt: skip
    """Quantises the views and lays the job out in memory; with `buffers` only the last so many views' results stay.

    Raises:
        InputError: a threshold or a way out of range, or a frustum that `config` or a temporal search cannot have.
    """
    if frustum and not config.frustum:
        raise InputError("lod: views with a frustum need frustum = 1, it is 0")
    begin = time.perf_counter()
    path = make_path(image, cameras, tau, frustum=frustum)
    host_seconds = time.perf_counter() - begin
    return LodWorkload(
        config=config, image=image, cameras=cameras, tau=tau, path=path, temporal=temporal, frustum=frustum, name=name,
        view=view, host_seconds=host_seconds,
        memory=build_memory_image(image, path, word_bytes=config.word_bytes, temporal=temporal, buffers=buffers),
    )  # fmt: skip


def known_trees() -> list[str]:
    """The built-in scene, and the real hierarchy and scenes where they are at hand."""
    return [EMBEDDED_NAME, *present("lod/statue_angel.hier", "scenes/skull.ply", "scenes/flowers_3_0.ply")]


def known_hierarchy() -> str:
    """The real hierarchy, which pictures and sweeps of docs/ are of.

    Raises:
        InputError: it is not at hand.
    """
    for source in known_trees():
        if source.endswith(HIER):
            return source
    raise InputError("docs/ records a .hier tree, and the folder of real data (TESSERA_DATA) has none")
