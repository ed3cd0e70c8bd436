"""Splatting with a radiance cache, to the last bit: what the composed RTL must equal, in pixels and saved caches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from golden.chips.lumina.ask import Asked, ask, from_values, to_bytes, to_values
from golden.chips.lumina.drawn import Drawn, draw
from golden.chips.lumina.spec import Spec
from golden.errors import InputError
from golden.radiance import cache
from golden.radiance.alpha_record import Flags, Records, make_records, set_of, tag_of
from golden.radiance.cache import Found, RegionCache
from golden.rows import Ints
from golden.splat.frame import Frame
from golden.splat.model import Work
from golden.splat.scene_image import SceneImage


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What a frame asked of the cache, and what of the drawing it spared."""

    pixels: int
    asked: int
    hits: int
    false_hits: int  #: hits on an entry that was filled by a record of other ids
    blends: int  #: results of lanes with a weight above 0, without the cache …
    blends_saved: int  #: … and those that come after a pixel has hit
    touches: int  #: (splat, sub-tile) pairs before the sub-tile is done, without the cache …
    touches_saved: int  #: … and those that come after its last pixel has hit or is done


@dataclass(frozen=True, kw_only=True)
class LuminaResult:
    """A drawn frame, what it took, and the caches that it leaves."""

    image: Tensor  # uint8 [H, W, 4] red, green, blue, coverage
    uncached: Tensor  # uint8 [H, W, 4] the same without the cache
    work: Work  #: without the cache
    found: Found
    saving: Saving
    caches: RegionCache


def render(
    image: SceneImage, frame: Frame, spec: Spec, caches: RegionCache | None = None, number: int = 0
) -> LuminaResult:
    """Draws the frame: a pixel that asks is answered from its region's cache as the frame before has left it.

    A pixel that hits is done: it has the cached colour, or what it has blended and the cached remainder behind it. The
    others are drawn to their end. After a region's last pixel all that have asked go into its cache, row by row, see
    `golden.radiance.cache`. Pixels beyond the image neither ask nor fill.

    Args:
        caches: of the frame's squares, row by row; None: empty ones. number: of the frame, for `refresh`.

    Raises:
        InputError: the scene has more Gaussians than there are ids.
    """
    ids = spec.radiance.id_bits
    if len(image) > 1 << ids:
        raise InputError(f"lumina: id_bits = {ids} count {1 << ids} Gaussians, the scene has {len(image)}")
    return answer(draw(image, frame, spec.splat, spec.gaussians), frame, spec, caches, number)


def answer(drawn: Drawn, frame: Frame, spec: Spec, caches: RegionCache | None = None, number: int = 0) -> LuminaResult:
    """`render` from the drawn frame on; its records may be longer than the spec's."""
    setting = spec.radiance
    caches = caches or cache.empty_cache(setting, len(drawn.met))
    asked = ask(drawn, spec, _inside(frame, spec))
    records = make_records(setting, *record(drawn, asked, spec), asked.asks)
    values = to_values(drawn, asked, spec)[..., : setting.channels]
    found, after = _exchange(spec, caches, records, values.numpy(), number)
    hit = torch.from_numpy(found.hit)
    uncached = to_bytes(drawn.final_color, drawn.final_light, spec)
    pixels = torch.where(hit[..., None], from_values(torch.from_numpy(found.colour), asked, spec), uncached)
    return LuminaResult(
        image=_picture(pixels, frame, spec), uncached=_picture(uncached, frame, spec), work=drawn.work,
        found=found, saving=_saving(drawn, asked, found, spec), caches=after,
    )  # fmt: skip


def _exchange(
    spec: Spec, caches: RegionCache, records: Records, values: Ints, number: int
) -> tuple[Found, RegionCache]:
    """What the pixels get, and the caches after it: `cache.frame`, but for the hits that are drawn anew."""
    found = cache.look_up(spec.radiance, caches, records, values)
    if spec.refresh:
        anew = found.hit & ((np.arange(values.shape[1]) + number) % spec.refresh == 0)
        drawn = cache.look_up(spec.radiance, cache.empty_cache(spec.radiance, len(values)), records, values)
        caches = _renewed(spec, caches, records, values, anew)
        found = Found(
            hit=found.hit & ~anew,
            false=found.false & ~anew,
            colour=np.where(anew[..., None], drawn.colour, found.colour),
            ids=np.where(anew[..., None], drawn.ids, found.ids),
        )
    return found, cache.commit(spec.radiance, caches, records, found)


def _renewed(spec: Spec, caches: RegionCache, records: Records, values: Ints, anew: Flags) -> RegionCache:
    """The caches with the values and ids of the pixels `anew` in their entries, of an entry's pixels the last."""
    region, pixel = np.nonzero(anew)
    place = set_of(spec.radiance, records.key)[anew]
    tags = tag_of(spec.radiance, records.key)[anew]
    way = (caches.valid[region, place] & (caches.tag[region, place] == tags[:, None]).all(-1)).argmax(-1)
    value, ids = caches.value.copy(), caches.ids.copy()
    for r, s, w, p in zip(region, place, way, pixel, strict=True):
        value[r, s, w], ids[r, s, w] = values[r, p], records.ids[r, p]
    return replace(caches, value=value, ids=ids)


def _inside(frame: Frame, spec: Spec) -> Tensor:
    """[R, P] whether a pixel lies on the image."""
    size = spec.splat.group_size
    rows = torch.arange(frame.rows * size) < frame.camera.height
    columns = torch.arange(frame.columns * size) < frame.camera.width
    whole = (rows[:, None] & columns).reshape(frame.rows, size, frame.columns, size)
    return whole.transpose(1, 2).reshape(-1, size * size)


def record(drawn: Drawn, asked: Asked, spec: Spec) -> tuple[Tensor, Tensor]:
    """Ids [R, P, record_length], before those of Gaussians that of the pixel's square, if there are several; count."""
    ids = drawn.ids[..., : spec.gaussians].long()
    region = spec.radiance.region
    if spec.near == region:
        return ids, asked.count
    square = torch.arange(region) // spec.near
    number = (square[:, None] * (region // spec.near) + square).flatten()
    return torch.cat([number.expand(len(ids), -1)[..., None], ids], -1), asked.count + 1


def _picture(pixels: Tensor, frame: Frame, spec: Spec) -> Tensor:
    """[R, P, 4] as the image."""
    size = spec.splat.group_size
    squares = pixels.reshape(frame.rows, frame.columns, size, size, -1)
    whole = squares.transpose(1, 2).reshape(frame.rows * size, frame.columns * size, -1)
    return whole[: frame.camera.height, : frame.camera.width].byte()


def _saving(drawn: Drawn, asked: Asked, found: Found, spec: Spec) -> Saving:
    hit = torch.from_numpy(found.hit)
    touches = _of_subtiles(drawn.touches, spec)
    needed = _of_subtiles(torch.where(hit, asked.touches, drawn.touches), spec)
    return Saving(
        pixels=hit.numel(),
        asked=int(asked.asks.sum()),
        hits=int(hit.sum()),
        false_hits=int((found.hit & found.false).sum()),
        blends=int(drawn.met.sum()),
        blends_saved=int((drawn.met - asked.count)[hit].sum()),
        touches=int(touches.sum()),
        touches_saved=int((touches - needed).sum()),
    )


def _of_subtiles(value: Tensor, spec: Spec) -> Tensor:
    """[R, P] to the greatest of each sub-tile, [R, columns, columns]."""
    n, s = spec.splat.columns, spec.splat.subtile
    return value.reshape(-1, n, s, n, s).amax((2, 4))
