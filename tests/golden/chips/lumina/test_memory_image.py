"""The bytes of a cached frame: where everything lies, and what is read back of it."""

from __future__ import annotations

import numpy as np
import pytest

from golden.chips.lumina.memory_image import (
    build_memory_image,
    expected_results,
    read_results,
    room_bytes,
    saved_caches,
)
from golden.chips.lumina.memory_map import JOB, JOB_BYTES
from golden.chips.lumina.model import render
from golden.chips.lumina.spec import published
from golden.errors import InputError
from golden.radiance.saved import refusal, save
from golden.radiance.spec import Spec as CacheSpec
from golden.rows import from_bytes
from golden.splat.spec import TINY
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import made

SPEC = published(TINY, CacheSpec(record_length=3, sets=16))
IDENTITY = 77


def test_a_frame_and_what_it_leaves() -> None:
    """Job, saved caches, the engine's image, framebuffer and rooms follow each other; what is written is read back."""
    view = made(random_scene(3, 60, degree=1), camera_at(size=(38, 20), focal=30.0), TINY)
    model = render(view.image, view.frame, SPEC)
    regions, room = 6, room_bytes(SPEC)
    saved = [save(SPEC.radiance, model.caches, k, IDENTITY) for k in range(regions)]
    image = build_memory_image(view.image, view.frame, SPEC, saved, identity=IDENTITY)
    job = {name: int(column[0]) for name, column in from_bytes(JOB, image.data[None, :JOB_BYTES]).items()}
    assert (job["columns"], job["rows"], job["last_width"], job["last_height"]) == (3, 2, 6, 4)
    assert (job["read_bytes"], job["room_bytes"], job["identity"]) == (len(saved[0]), room, IDENTITY)
    assert job["frame_address"] == JOB_BYTES + regions * room
    assert job["write_address"] == image.result_address + image.frame_bytes == len(image.data) + image.frame_bytes
    for k in range(regions):
        held = image.data[job["read_address"] + k * room :][: len(saved[k])]
        assert np.array_equal(held, saved[k])
        assert refusal(SPEC.radiance, held, IDENTITY) is None
    raw = np.zeros(image.result_bytes, np.uint8)
    for k, each in enumerate(saved):
        raw[image.frame_bytes + k * room :][: len(each)] = each
    expected = expected_results(model, image, SPEC)
    found = read_results(raw, image, view.frame, SPEC)
    assert found["framebuffer"].shape == expected["framebuffer"].shape == (20, 38, 4)
    for name in ("header", "valid", "tag", "cached", "recent"):
        assert np.array_equal(found[name], expected[name])
    assert expected["valid"].any()
    assert all(np.array_equal(a, b) for a, b in zip(saved_caches(raw, image, SPEC), saved, strict=True))


def test_caches_that_do_not_fit() -> None:
    """One for each region, of one length that a room holds."""
    view = made(random_scene(3, 60, degree=1), camera_at(size=(38, 20), focal=30.0), TINY)
    one = np.zeros(room_bytes(SPEC), np.uint8)
    for saved, message in (
        ([one] * 5, "a frame of 6 regions needs as many saved caches, there are 5"),
        ([one] * 5 + [one[:-1]], "saved caches must have one length of at most"),
        ([np.zeros(len(one) + 1, np.uint8)] * 6, "saved caches must have one length of at most"),
    ):
        with pytest.raises(InputError, match=message):
            build_memory_image(view.image, view.frame, SPEC, saved, identity=IDENTITY)
