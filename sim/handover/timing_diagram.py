"""A job on the bus, cycle by cycle, for people and for WaveDrom."""

from __future__ import annotations

import json

#: Signal and one letter a cycle, in WaveDrom's alphabet; `|` stands for any number of cycles.
_JOB = (
    ("clk", "p............", ()),
    ("s_axi_awvalid", "010.|...|....", ()),
    ("s_axi_wvalid", "010.|...|....", ()),
    ("s_axi_wdata", "x3x.|...|....", ("START",)),
    ("s_axi_bvalid", "0..1|0..|....", ()),
    ("m_axi_arvalid", "0...|10.|....", ()),
    ("m_axi_arlen", "x...|3x.|....", ("1",)),
    ("m_axi_rvalid", "0...|..1|0...", ()),
    ("m_axi_rlast", "x...|..0|1x..", ()),
    ("m_axi_wvalid", "0...|...|10..", ()),
    ("m_axi_bvalid", "0...|...|..10", ()),
    ("irq", "0...|...|...1", ()),
)
_DRAWN = {"p": "/", "0": "_", "1": "#", "x": " ", "3": "=", "|": "~"}


def wavedrom() -> str:
    """For https://wavedrom.com, and for everything that reads its JSON."""
    signals = [{"name": name, "wave": wave, **({"data": list(data)} if data else {})} for name, wave, data in _JOB]
    return json.dumps({"signal": signals, "config": {"hscale": 1}}, indent=1) + "\n"


def drawing() -> str:
    """The same in letters: `#` high, `_` low, `=` a value, blank any, `~` any number of cycles."""
    return "\n".join(f"{name:14}{_letters(wave)}" for name, wave, _ in _JOB) + "\n"


def _letters(wave: str) -> str:
    found: list[str] = []
    for letter in wave:
        held = next((f for f in reversed(found) if f != "~"), "_")
        found.append(held if letter == "." else _DRAWN[letter])
    return "".join(found)
