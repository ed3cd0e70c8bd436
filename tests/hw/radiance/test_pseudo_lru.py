from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from golden.radiance import cache
from golden.radiance.spec import Spec
from hw.radiance.pseudo_lru import touch, victim
from tests.hw.lib.simulate import evaluate


@pytest.mark.parametrize("ways", [2, 4, 8])
def test_every_tree(ways: int) -> None:
    """Of every tree the way that it names; and the tree after every way was used."""
    spec = Spec(ways=ways)
    cases = list(product(range(1 << ways - 1), range(ways)))
    got = evaluate(
        [ways - 1, ways],
        lambda recent, used: [victim(recent, ways), touch(recent, used)],
        [(tree, 1 << used) for tree, used in cases],
    )
    recent, way = np.array(cases, np.int64).T
    expected = zip(1 << cache.victim(spec, recent), cache.touch(spec, recent, way), strict=True)
    assert [tuple(values) for values in got] == [(int(named), int(tree)) for named, tree in expected]
