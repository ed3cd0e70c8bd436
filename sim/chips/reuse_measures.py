"""Hits, savings and losses of a radiance cache along orbits: each frame is drawn once, and asked for by every rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from golden.errors import Limits
from golden.radiance.spec import Spec as CacheSpec
from golden.scenes import load_scene, orbit_path
from golden.splat.spec import DEFAULT
from sim.kernel.quality import psnr

if TYPE_CHECKING:  # torch is slow to import
    from golden.chips.lumina.model import LuminaResult, Saving
    from golden.chips.lumina.spec import Spec

SIZE, FRAMES, STEPS = 256, 24, (1.0, 0.25)  # pixels a side; frames; degrees a frame, 0.25 as at 90 frames a second
FIRST = 2 * math.pi / 3  # the angle of view 1/3
PHOTO_DB = 33.5  # Lumina's synthetic scenes against their photographs, without its cache
LONGEST = 24  # Gaussians of the longest record that is tried
LENGTHS = (5, 8, 12)  # of records whose light is measured


@dataclass(frozen=True, kw_only=True)
class Row:
    """One setting on one path: means over the frames after the first, whose caches are empty."""

    scene: str
    step: float  #: degrees a frame
    setting: str
    asked: float  #: share of pixels
    hit_rate: float  #: hits / pixels that ask
    false_rate: float  #: hits on another record's entry / hits
    blends_saved: float  #: share of lane results that change a pixel
    touches_saved: float  #: share of (splat, sub-tile) pairs
    cached_db: float  #: PSNR against the same frames without the cache
    loss_db: float  #: of PSNR against the float reference
    photo_loss_db: float  #: of a PSNR of PHOTO_DB against photographs, the errors being independent


class LongSpec(CacheSpec):
    """Records longer than a saved cache's header can say: for the sweep alone."""

    LIMITS: ClassVar[Limits] = {**CacheSpec.LIMITS, "record_length": (1, LONGEST)}


def settings() -> dict[str, Spec]:
    """What is tried, by name."""
    from golden.chips.lumina.spec import REMAINDER, published

    def colour(k: int) -> Spec:
        return published(DEFAULT, LongSpec(record_length=k))

    def rest(k: int, **changes: Any) -> Spec:
        return replace(colour(k), value=REMAINDER, **changes)

    tried = {"colour, 5 ids, published key": published(DEFAULT)}
    tried |= {f"colour, {k} ids": colour(k) for k in (3, 5, 8, 12, 16, 24)}
    tried |= {f"remainder, {k} ids": rest(k) for k in (3, 5, 6, 8, 10, 12, 16)}
    tried |= {
        f"remainder, {k} ids or T ≤ {t}/256": rest(k, through=t) for k, t in ((8, 26), (8, 51), (8, 77), (24, 77))
    }
    tried |= {f"remainder, 5 ids, squares of {n}": rest(6, near=n) for n in (8, 4, 2)}
    tried |= {f"remainder, {k} ids, 1/8 anew": rest(k, refresh=8) for k in (5, 8)}
    return tried


def orbit_frames(source: str, step: float, frames: int, size: int) -> Iterator[tuple[Any, Any, Any]]:
    """Scene, camera, and scene image, one for all, of every frame."""
    from golden.splat.scene_image import build_scene_image

    scene = load_scene(source)
    image = build_scene_image(scene, DEFAULT)
    angles = [FIRST + math.radians(step) * k for k in range(frames)]
    for camera in orbit_path(scene, angles, width=size, height=size):
        yield scene, camera, image


def measure(source: str, step: float, progress: Callable[[str], None], *, frames: int, size: int) -> list[Row]:
    """Every setting on one path: each frame is drawn once, and asked for by each."""
    from golden.chips.lumina.drawn import draw
    from golden.chips.lumina.model import answer
    from golden.splat.frame import build_frame
    from golden.splat.reference import render

    tried = settings()
    caches: dict[str, Any] = dict.fromkeys(tried)
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in tried}
    for number, (scene, camera, image) in enumerate(orbit_frames(source, step, frames, size)):
        frame = build_frame(image, camera, DEFAULT)
        drawn = draw(image, frame, DEFAULT, LONGEST)
        reference = render(scene, camera).numpy()
        for name, spec in tried.items():
            result = answer(drawn, frame, spec, caches[name], number)
            caches[name] = result.caches
            if number:
                figures[name].append(_figures(result, reference))
        progress(f"{scene.name}, {step:g}°, frame {number}")
    name = Path(source).stem
    return [Row(scene=name, step=step, setting=key, **_mean(rows)) for key, rows in figures.items()]


def _figures(result: LuminaResult, reference: npt.NDArray[np.float32]) -> dict[str, float]:
    cached, uncached = (picture.numpy()[..., :3] / 255.0 for picture in (result.image, result.uncached))
    db = psnr(cached, uncached)
    return {
        **shares(result.saving),
        "cached_db": db,
        "loss_db": psnr(uncached, reference) - psnr(cached, reference),
        "photo_loss_db": 10 * math.log10(1 + 10 ** ((PHOTO_DB - db) / 10)),
    }


def shares(saving: Saving) -> dict[str, float]:
    """Of a frame; 0 where there is nothing to have a share of."""
    of = {
        "asked": (saving.asked, saving.pixels), "hit_rate": (saving.hits, saving.asked),
        "false_rate": (saving.false_hits, saving.hits), "blends_saved": (saving.blends_saved, saving.blends),
        "touches_saved": (saving.touches_saved, saving.touches),
    }  # fmt: skip
    return {name: part / whole if whole else 0.0 for name, (part, whole) in of.items()}


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(sum(row[name] for row in rows) / len(rows), 4) for name in rows[0]}


@dataclass(frozen=True, kw_only=True)
class KeyRow:
    """How one key, or one order of fills, serves the record of five ids on one path: means as in `Row`."""

    scene: str
    key: str
    hit_rate: float
    false_rate: float
    sets_used: float  #: share of the sets that hold something; 0 where it was not counted
    entries_used: float  #: share of the entries
    cached_db: float


def measure_keys(source: str, progress: Callable[[str], None], *, frames: int, size: int) -> list[KeyRow]:
    """Keys and caches beside each other, and the publication's order of fills, at a degree a frame."""
    import torch

    from golden.chips.lumina.ask import ask, to_bytes
    from golden.chips.lumina.drawn import draw
    from golden.chips.lumina.spec import published
    from golden.radiance import cache, reference
    from golden.radiance.alpha_record import make_records
    from golden.radiance.spec import DEFAULT as CACHE
    from golden.splat.frame import build_frame

    spec = published(DEFAULT)
    tried = {"published bits": spec.radiance, **{f"hash of {n} bits": replace(CACHE, key_bits=n) for n in (32, 40, 48)}}
    tried["hash of 40 bits, 8 ways × 4096 sets"] = replace(CACHE, ways=8, sets=4096)
    at_once = "hash of 40 bits, a fill is seen at once"
    caches: dict[str, Any] = {}
    figures: dict[str, list[dict[str, float]]] = {}
    for number, (scene, camera, image) in enumerate(orbit_frames(source, 1.0, frames, size)):
        drawn = draw(image, build_frame(image, camera, DEFAULT), DEFAULT, 5)
        asked = ask(drawn, spec, torch.ones_like(drawn.met, dtype=torch.bool))
        own = to_bytes(drawn.final_color, drawn.final_light, spec).numpy()
        for name, setting in tried.items():
            before = caches.get(name) or cache.empty_cache(setting, len(own))
            records = make_records(setting, drawn.ids, asked.count, asked.asks)
            found, caches[name] = cache.frame(setting, before, records, own)
            figures.setdefault(name, []).append(_of_keys(found, records, own, caches[name]))
        records = make_records(CACHE, drawn.ids, asked.count, asked.asks)
        plain = caches.setdefault(at_once, [reference.Cache(CACHE) for _ in own])
        found = reference.frame(CACHE, plain, records, own)
        figures.setdefault(at_once, []).append(_of_keys(found, records, own, None))
        progress(f"{scene.name}, keys, frame {number}")
    return [KeyRow(scene=Path(source).stem, key=name, **_mean(rows[1:])) for name, rows in figures.items()]


def _of_keys(found: Any, records: Any, own: npt.NDArray[Any], after: Any) -> dict[str, float]:
    """Of one frame; the shares of sets and entries in use are those after it."""
    return {
        "hit_rate": float(found.hit.sum() / records.full.sum()),
        "false_rate": float((found.hit & found.false).sum() / max(1, found.hit.sum())),
        "sets_used": 0.0 if after is None else float(after.valid.any(-1).mean()),
        "entries_used": 0.0 if after is None else float(after.valid.mean()),
        "cached_db": psnr(found.colour[..., :3] / 255, own[..., :3] / 255),
    }


@dataclass(frozen=True, kw_only=True)
class LightRow:
    """What records of `length` Gaussians say about a view: why hits lose quality."""

    scene: str
    length: int
    asked: float  #: share of the pixels that something covers, of those with so many significant Gaussians
    light: float  #: mean transmittance that is left behind the record
    alike: float  #: pixels of a region to each record


def measure_light(source: str, *, size: int) -> list[LightRow]:
    """Of view 1/3."""
    from golden.chips.lumina.drawn import draw
    from golden.splat.frame import build_frame

    rows: list[LightRow] = []
    for _, camera, image in orbit_frames(source, 1.0, 1, size):
        drawn = draw(image, build_frame(image, camera, DEFAULT), DEFAULT, max(LENGTHS))
        region = np.arange(len(drawn.met))[:, None].repeat(drawn.met.shape[1], 1)
        for length in LENGTHS:
            full = (drawn.met >= length).numpy()
            left = 1 - drawn.weight[..., :length].sum(-1).numpy()[full] / 2**DEFAULT.transmittance_bits
            records = np.concatenate([region[full][:, None], drawn.ids[..., :length].numpy()[full]], 1)
            rows.append(
                LightRow(
                    scene=Path(source).stem, length=length, asked=round(float(full.sum() / (drawn.met > 0).sum()), 3),
                    light=round(float(left.mean()), 3), alike=round(len(records) / len(np.unique(records, axis=0)), 2),
                )
            )  # fmt: skip
    return rows
