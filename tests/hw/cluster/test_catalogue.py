"""Amaranth, Yosys and Verilator accept the engine without a warning; nodes and lanes are emitted once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from golden.cluster.spec import Spec
from hw.cluster.catalogue import catalogue
from hw.cluster.config import CONFIGS, Config, default, nano, tiny
from hw.cluster.top import ClusterEngine
from hw.generate import generate
from tests.hw.lib.instances import assert_counts
from tests.hw.readers import converted


def test_converts_and_lints(tmp_path: Path) -> None:
    design = converted(ClusterEngine(config=tiny()), "cluster", tmp_path, tiny())
    assert sorted(design.modules) == ["combine_lane", "merge_lane", "node", "sum_number", "turn_code"]


@pytest.mark.parametrize("nodes", [2, 8, pytest.param(32, marks=pytest.mark.slow)])
def test_any_number_of_nodes_is_the_same_text_but_for_wiring(nodes: int) -> None:
    """The node is converted once, however many there are."""
    config = replace(tiny(), spec=Spec(nodes=nodes, link_width=64, memory_kib=4, compute=0))
    assert generate(ClusterEngine(config=config), "cluster", config).verilog.count("\nmodule node(") == 1


def test_named_configs() -> None:
    """A memory word is a flit for every node."""
    words = {name: make().word_bytes for name, make in CONFIGS.items()}
    assert words == {"nano": 2 * 8, "tiny": 4 * 8, "default": 4 * 16, "paper": 4 * 32}


@pytest.mark.parametrize(
    "config",
    [
        tiny(),
        default(),
        nano(),
        replace(tiny(), spec=replace(tiny().spec, weight_bits=4)),
        replace(tiny(), spec=replace(tiny().spec, nodes=2, compute=0)),
    ],
    ids=["tiny", "default", "nano", "int4", "network alone"],
)
def test_blocks_stand_in_the_top_as_often_as_they_say(config: Config) -> None:
    assert_counts(catalogue(config), ClusterEngine(config=config))
