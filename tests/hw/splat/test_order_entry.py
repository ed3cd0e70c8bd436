"""Entries of lists in drawing order, with the keys by which the depth sort orders them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from golden.errors import InputError
from golden.splat.depth_key import sort_key
from golden.splat.memory_image import aligned_first
from golden.splat.memory_map import ORDERED
from golden.splat.order_image import pack_order
from golden.splat.shared_order import SharedOrder
from golden.splat.spec import DEFAULT, TINY, Spec
from hw.lib.fields import pack
from hw.splat.config import tiny
from hw.splat.layouts import DetailLayout, SurvivorLayout
from hw.splat.order_entry import OrderEntry
from tests.golden.splat.cases import CASES, case
from tests.golden.splat.rows import unpack
from tests.hw.splat.datapath import Payload, answers
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import workload_of


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("spec", [DEFAULT, TINY, replace(DEFAULT, position_bits=12)], ids=["default", "tiny", "coarse"])
def test_entries(name: str, spec: Spec, seed: int) -> None:
    """Of Gaussians anywhere: voxel, offset, number and radius as the host packs them; key and rank as the model's."""
    v = case(name, spec)
    w = workload_of(v)
    everything = v.streamed(replace(v.middle, voxels=np.arange(len(v.image.grid))))
    places = np.random.default_rng(seed).permutation(len(v.image))[:150]
    at = torch.argsort(everything.place)[places]
    order = SharedOrder(places=[torch.from_numpy(places)])
    (entries,) = pack_order(v.image, order, 1, aligned_first(v.image))
    keys = sort_key(everything.point[at, 2], v.frame, spec).tolist()
    unit = OrderEntry(spec=spec)
    layout = DetailLayout(spec, writes=True)
    rows: list[Payload] = []
    marks = [{"some": 1, "begin": n % 2, "end": 0, "bound": n} for n in range(len(places))]
    for mark, place, n in zip(marks, places.tolist(), at.tolist(), strict=True):
        number = w.index(place)
        rank = {"rank_low": int(v.image.rank[place]) & 31, "record": w.record(number)}
        here = {"point": everything.point[n].tolist(), "relative": everything.relative[n].tolist()}
        radius = w.half(number)["radius"] >> 4
        record = {name: rank["record"].get(name, 0) for name in layout["record"].shape.members}
        row = {"mark": mark, "rank_low": rank["rank_low"], "record": record, **here, "number": number, "radius": radius}
        rows.append(whole(layout, row))
    got = answers(unit, rows, header=w.header)
    below = SurvivorLayout(spec)["touch"].offset
    for answer, mark, place, key, raw in zip(got, marks, places, keys, entries, strict=True):
        assert (answer["mark"], answer["depth"], answer["rank"]) == (mark, key, v.image.rank[place])
        bits = pack(SurvivorLayout(spec), answer) >> below
        listed = np.frombuffer((bits & (1 << 128) - 1).to_bytes(16, "little"), np.uint8)
        assert unpack(ORDERED, listed) == unpack(ORDERED, raw)


def test_a_splat_too_small_to_carry_an_entry_is_refused() -> None:
    small = replace(
        TINY, group_size=8, mantissa_bits=11, screen_fraction=2, opacity_bits=6, color_fraction=6, power_fraction=4,
        exp_entries=16,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"a splat and what it touches have 128 bits, in which .* they have 1\d\d$"):
        replace(tiny(), spec=small, shared_sort=1)
