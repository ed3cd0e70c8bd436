"""Every kind of file that a user brings: how a fuzzed input becomes one, who reads it, and what the seeds are.

A kind that is packed or has lengths of its own (gzip, zip, safetensors) is fuzzed by its contents, so that
mutations reach the reader and not only the container's checksum. `SEPARATOR` stands between the parts of an input.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.cluster.heads import NAMES as HEAD_NAMES
from golden.cluster.heads import load_head
from golden.cluster.spec import ElementType
from golden.kv.keys import load_keys
from golden.lod.load import load_hierarchy
from golden.radiance.spec import TINY
from golden.scenes import load_cameras, load_scene
from hw.radiance.config import tiny
from sim.cluster.workload import load_messages
from sim.radiance.traces import NAMES as TRACE_NAMES
from sim.radiance.traces import load_trace
from sim.radiance.workload import prepare as prepare_trace
from tests.golden.lod.trees import fan, hier_bytes
from tests.golden.scenes.checks import assert_sound
from tests.golden.scenes.corrupted import CLOUD, GOOD
from tests.golden.scenes.test_camera_file import FILES
from tests.golden.scenes.test_colmap import write_model
from tests.golden.scenes.writers import spz_columns, spz_header

SEPARATOR = b"\x1e--\x1e"


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of file."""

    name: str  #: of the file that is read; with its extension
    read: Callable[[Path], object]  #: may raise InputError and nothing else
    seeds: tuple[bytes, ...]  #: inputs that `pack` makes good files of
    pack: Callable[[bytes], Mapping[str, bytes]]  #: an input's files, by name


def _npy(array: np.ndarray) -> bytes:
    target = io.BytesIO()
    np.save(target, array)
    return target.getvalue()


def _raw(name: str) -> Callable[[bytes], Mapping[str, bytes]]:
    return lambda data: {name: data}


def _gzipped(name: str) -> Callable[[bytes], Mapping[str, bytes]]:
    return lambda data: {name: gzip.compress(data, 1)}


def _zipped(name: str, members: Iterable[str]) -> Callable[[bytes], Mapping[str, bytes]]:
    """The parts as members of a zip file, in this order."""

    def pack(data: bytes) -> Mapping[str, bytes]:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for member, part in zip(members, data.split(SEPARATOR), strict=False):
                archive.writestr(member, part)
        return {name: target.getvalue()}

    return pack


def _beside(first: str, second: str) -> Callable[[bytes], Mapping[str, bytes]]:
    """Two files that are read together."""

    def pack(data: bytes) -> Mapping[str, bytes]:
        head, _, tail = data.partition(SEPARATOR)
        return {first: head, second: tail}

    return pack


def _safetensors(data: bytes) -> Mapping[str, bytes]:
    """Header and data, with the header's length before them."""
    header, _, tensors = data.partition(SEPARATOR)
    return {"a.safetensors": struct.pack("<Q", len(header)) + header + tensors}


def _scene(path: Path) -> None:
    assert_sound(load_scene(path))


def _colmap_seed(form: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = write_model(Path(folder), form)
        return path.read_bytes() + SEPARATOR + path.with_stem("images").read_bytes()


def _keys_seed() -> bytes:
    generator = np.random.default_rng(1)
    k, v, q = (generator.normal(size=(1, 2, n, 4)).astype(np.float32) for n in (3, 3, 2))
    return SEPARATOR.join(map(_npy, (k, v, q, np.array(0.5), np.arange(1))))


def _tensors_seed() -> bytes:
    entries = (f'"{name}":{{"dtype":"F16","shape":[1,1,2,2],"data_offsets":[{8 * k},{8 * k + 8}]}}' for k, name in
               enumerate("KVQ"))  # fmt: skip
    return ("{" + ",".join(entries) + "}").encode() + SEPARATOR + np.arange(12, dtype="<f2").tobytes()


def _head_seed() -> bytes:
    shapes = {"query": (4, 2), "key": (4, 2), "value": (4, 2), "output": (2, 4), "keys": (3, 2), "values": (3, 2)}
    arrays = [np.ones(4, np.float32), *(np.ones(shapes[name], np.float32) for name in HEAD_NAMES)]
    return SEPARATOR.join(map(_npy, arrays))


def _trace_seed() -> bytes:
    shape = (1, 2, 3)
    arrays = (np.ones((*shape, 3), np.uint32), np.full(shape, 3, np.uint8), np.zeros((*shape, 4), np.uint8))
    return SEPARATOR.join(map(_npy, arrays))


def _trace(path: Path) -> None:
    prepare_trace(load_trace(str(path), TINY), tiny())


def _messages(path: Path) -> None:
    for form in ElementType:
        load_messages(path, form)


def _scene_kind(name: str) -> FileKind:
    """Raw, but of an archive its members."""
    if not name.endswith(".sog"):
        return FileKind(name=name, read=_scene, seeds=(GOOD[name],), pack=_raw(name))
    with zipfile.ZipFile(io.BytesIO(GOOD[name])) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    return FileKind(
        name=name, read=_scene, seeds=(SEPARATOR.join(members.values()),), pack=_zipped(name, list(members))
    )


KINDS = {
    **{name: _scene_kind(name) for name in GOOD if name not in ("v1.spz", "v2.spz", "v3.spz")},
    "spz": FileKind(
        name="a.spz",
        read=_scene,
        seeds=tuple(spz_header(6, version, 1) + spz_columns(CLOUD, version) for version in (1, 2, 3)),
        pack=_gzipped("a.spz"),
    ),
    "camera": FileKind(
        name="a.json",
        read=load_cameras,
        seeds=tuple(json.dumps(value).encode() for value in FILES.values()),
        pack=_raw("a.json"),
    ),
    **{
        f"colmap{form}": FileKind(
            name=f"cameras{form}",
            read=load_cameras,
            seeds=(_colmap_seed(form),),
            pack=_beside(f"cameras{form}", f"images{form}"),
        )
        for form in (".bin", ".txt")
    },
    "hier": FileKind(
        name="a.hier",
        read=load_hierarchy,
        seeds=tuple(hier_bytes(fan(4), half=half) for half in (True, False)),
        pack=_raw("a.hier"),
    ),
    "keys.npz": FileKind(
        name="a.npz",
        read=load_keys,
        seeds=(_keys_seed(),),
        pack=_zipped("a.npz", ("K.npy", "V.npy", "Q.npy", "scale.npy", "layers.npy")),
    ),
    "keys.safetensors": FileKind(name="a.safetensors", read=load_keys, seeds=(_tensors_seed(),), pack=_safetensors),
    "head": FileKind(
        name="a.npz",
        read=load_head,
        seeds=(_head_seed(),),
        pack=_zipped("a.npz", ("hidden.npy", *(f"{name}.npy" for name in HEAD_NAMES))),
    ),
    "trace": FileKind(
        name="a.npz",
        read=_trace,
        seeds=(_trace_seed(),),
        pack=_zipped("a.npz", [f"{name}.npy" for name in TRACE_NAMES]),
    ),
    "messages": FileKind(
        name="a.npy",
        read=_messages,
        seeds=tuple(_npy(np.arange(8).reshape(2, 4).astype(kind)) for kind in ("<i4", ">f8", "<f2")),
        pack=_raw("a.npy"),
    ),
}
