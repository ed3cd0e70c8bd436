from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from golden.errors import InputError
from sim.compare import published
from sim.compare.published import check_all, claims_of, devices, figures
from sim.engines import ENGINES

GOOD: dict[str, Any] = {
    "design": "A", "quantity": "frame rate", "value": [2, 9], "unit": "FPS", "device": "A", "over": None, "node_nm": 28,
    "clock_mhz": None, "workload": "a scene", "resolution": None, "source": "a paper", "place": "Table 1",
    "read": "text", "tag": "publication",
}  # fmt: skip


def test_every_file_is_well_formed() -> None:
    """All engines have figures, the designs that the field knows are among them, and no row breaks a rule."""
    assert check_all() > 100
    assert all(claims_of(engine) for engine in ENGINES)
    designs = " ".join(claim.design for engine in ENGINES for claim in claims_of(engine))
    for name in (
        "GSCore", "GBU", "Neo", "GS Processor", "MetaSapiens", "StreamingGS", "SLTarch", "Lumina", "Nebula", "Voyager",
        "V-Rex", "LiveVLM", "ClusterFusion",
    ):  # fmt: skip
        assert name in designs
    for name in ("Orin NX", "AGX Orin", "AGX Xavier", "TITAN RTX", "RTX 3090", "RTX 5090", "A100", "H100 SXM5"):
        assert name in devices()
    assert {"Orin NX", "AGX Orin", "AGX Xavier", "TITAN RTX", "RTX 5090"} <= {figure.device for figure in figures()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(published, "SIM", tmp_path)
    (tmp_path / "splat").mkdir()
    return tmp_path / "splat"


def test_a_row_says_all(folder: Path) -> None:
    """A range keeps both ends; the provenance has source, place, reading and tag. No file is no row."""
    (folder / "published.json").write_text(json.dumps([GOOD]))
    (claim,) = claims_of("splat")
    assert (claim.low, claim.high, claim.value) == (2, 9, "2 to 9 FPS")
    assert claim.provenance == "a paper, Table 1; text (publication)"
    assert claims_of("nothing") == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"unit": "ms"}, "the unit of frame rate must be FPS, it is 'ms'"),
        ({"quantity": "speed"}, "quantity must be one of frame rate, .*, it is 'speed'"),
        ({"value": [9, 2]}, r"value must be a number, or two that rise, it is \[9, 2\]"),
        ({"value": "190"}, "value must be a number, or two that rise, it is '190'"),
        ({"source": " "}, "source must be a text, it is ' '"),
        ({"tag": "rumour"}, "tag must be one of publication, .*, it is 'rumour'"),
        ({"over": "a GPU"}, r"`over` must be given for speed-up and energy saving alone, it is 'a GPU' \(frame rate\)"),
        ({"quantity": "speed-up", "unit": "×"}, "`over` must be given .*, it is None"),
        ({"node_nm": 0}, "node_nm must be a number above 0 or null, it is 0"),
        ({"more": 1}, "a row has the keys design, .* this one has design, .*more"),
    ],
)
def test_a_broken_row_is_one_line(folder: Path, change: dict[str, Any], rule: str) -> None:
    """With file, row, rule and value."""
    (folder / "published.json").write_text(json.dumps([GOOD, GOOD | change]))
    with pytest.raises(InputError, match=rf"published.json, row 2: {rule}") as caught:
        claims_of("splat")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_json_is_one_line(folder: Path) -> None:
    """Not a traceback."""
    (folder / "published.json").write_text("[{")
    with pytest.raises(InputError, match=r"published.json: published figures are JSON: "):
        claims_of("splat")


def test_a_devices_value_has_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure without one is refused; the peak is 2 · cores · clock unless it is given."""
    titan = devices()["TITAN RTX"]
    assert titan.peak_tflops == pytest.approx(2 * 4608 * 1770e6 / 1e12)
    assert devices()["A100"].peak_tflops == 19.5
    assert devices()["AGX Orin"].peak_tflops is None
    broken = vars(titan) | {"sources": {}}
    path = tmp_path / "devices.json"
    path.write_text(json.dumps([broken]))
    monkeypatch.setattr(published, "DEVICES", path)
    with pytest.raises(InputError, match="row 1: TITAN RTX: a value and its source come together, not so cores"):
        devices()
