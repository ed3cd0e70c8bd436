"""What the streams between the stages must carry, by the model; a group is a visit of a region."""

from __future__ import annotations

import numpy as np

from golden.radiance.alpha_record import Records, make_records, set_of, tag_of
from golden.radiance.model import Played
from golden.radiance.spec import WORD_BITS, Spec
from golden.rows import Ints
from hw.radiance.layouts import AnswerLayout, AskLayout, FillLayout
from sim.kernel.compare import Row, StageStream
from sim.radiance.workload import RadianceWorkload


def stage_streams(workload: RadianceWorkload, model: Played) -> dict[str, StageStream]:
    """What each pixel asks, what it gets, and what of it goes into the cache."""
    spec = workload.config.spec
    asks, answers, fills = [], [], []
    for visit, found in zip(workload.visits, model.found, strict=True):
        records = make_records(spec, visit.ids, visit.count)
        keys = _keys(spec, records)
        got = _colours(found.colour[0])
        asks.append(_rows(**keys, colour=_colours(visit.colour)))
        answers.append(_rows(**keys, hit=found.hit[0].astype(int).tolist(), colour=got))
        filled = _rows(set=keys["set"], tag=keys["tag"], colour=got)
        fills.append([row for row, full in zip(filled, keys["full"], strict=True) if full])
    return {
        "asks": StageStream(layout=AskLayout(spec), groups=asks),
        "answers": StageStream(layout=AnswerLayout(spec), groups=answers),
        "fills": StageStream(layout=FillLayout(spec), groups=fills),
    }


def _keys(spec: Spec, records: Records) -> dict[str, list[int]]:
    """`full`, set and tag of every pixel; set and tag also where a record is not full, as the hardware makes them."""
    tags = tag_of(spec, records.key)
    return {
        "full": records.full.astype(int).tolist(),
        "set": set_of(spec, records.key).tolist(),
        "tag": _long(tags, WORD_BITS),
    }


def _colours(colour: Ints) -> list[int]:
    return _long(colour, 8)


def _long(words: Ints, bits: int) -> list[int]:
    """[N, words] as N numbers, the first word lowest."""
    return [sum(int(word) << bits * k for k, word in enumerate(row)) for row in np.asarray(words)]


def _rows(**columns: list[int]) -> list[Row]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
