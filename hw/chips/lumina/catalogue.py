"""The composition's own blocks, and how often they stand in the top; the engines' are in their own catalogues."""

from __future__ import annotations

from hw.chips.lumina.answers import Answers
from hw.chips.lumina.asker import Asker
from hw.chips.lumina.bank_picker import BankPicker
from hw.chips.lumina.config import Config
from hw.chips.lumina.fill_banks import FillBanks
from hw.chips.lumina.fill_reader import FillReader
from hw.chips.lumina.group_cache import GroupCache
from hw.chips.lumina.pixel_records import PixelRecords
from hw.chips.lumina.region_fill import RegionFill
from hw.chips.lumina.region_flow import RegionFlow
from hw.lib.block import Block


def catalogue(config: Config) -> dict[str, Block]:
    """By name, in the order in which a pixel meets them."""
    groups = config.splat.lane_groups
    return {
        "pixel_records": Block(lambda: PixelRecords(config=config), groups),
        "asker": Block(lambda: Asker(config=config), groups),
        "answers": Block(lambda: Answers(config=config), groups),
        "group_cache": Block(lambda: GroupCache(config=config), groups),
        "fill_reader": Block(lambda: FillReader(config=config)),
        "region_fill": Block(lambda: RegionFill(config=config)),
        "bank_picker": Block(lambda: BankPicker(config=config), config.fill_banks),
        "fill_banks": Block(lambda: FillBanks(config=config)),
        "region_flow": Block(lambda: RegionFlow(config=config)),
    }
