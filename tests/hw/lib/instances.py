"""How often each component stands in a top, counted in its elaborated hierarchy."""

from __future__ import annotations

import gc
import warnings
from collections import Counter
from collections.abc import Mapping

from amaranth.hdl import Fragment, UnusedElaboratable
from amaranth.lib import wiring

from hw.lib.block import Block


def count_instances(top: wiring.Component) -> Counter[type]:
    """Instances below `top` by class, nested ones included, `top` itself left out."""
    found: Counter[type] = Counter()

    def walk(fragment: Fragment) -> None:
        for below, *_ in fragment.subfragments:
            found.update(type(origin) for origin in below.origins or () if isinstance(origin, wiring.Component))
            walk(below)

    # Without a platform a repeated unit is an ordinary submodule, not an instance of a shared module.
    walk(Fragment.get(top, None))
    return found


def assert_counts(blocks: Mapping[str, Block], top: wiring.Component) -> None:
    """Asserts that a catalogue lists every block of the engine in `top`, as often as it stands there.

    Entries of one class with different parameters share its instances: their counts add up to them.
    """
    stated: Counter[type] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        for block in blocks.values():
            stated[type(block.make())] += block.count
        gc.collect()  # the blocks, which Amaranth would report as never used
    package = type(top).__module__.rpartition(".")[0] + "."
    found = count_instances(top)
    kinds = {*stated, *(kind for kind in found if kind.__module__.startswith(package))}
    differing = {kind.__name__: (stated[kind], found[kind]) for kind in kinds if stated[kind] != found[kind]}
    assert not differing, f"name: (in the catalogue, in the top) = {differing}"
