"""Every block of the radiance cache, and how often it stands in the top."""

from __future__ import annotations

from hw.lib.block import Block
from hw.radiance.cache_core import CacheCore
from hw.radiance.checksum import Checksum
from hw.radiance.config import Config
from hw.radiance.fill_unit import FillUnit
from hw.radiance.job_fetch import JobFetch
from hw.radiance.key_unit import KeyUnit
from hw.radiance.look_up import LookUp
from hw.radiance.pixel_fetch import PixelFetch
from hw.radiance.record_register import RecordRegister
from hw.radiance.restore_unit import RestoreUnit
from hw.radiance.result_writer import ResultWriter
from hw.radiance.save_unit import SaveUnit
from hw.radiance.visit_flow import VisitFlow


def catalogue(config: Config) -> dict[str, Block]:
    """By name, in pipeline order."""
    spec = config.spec
    return {
        "job_fetch": Block(lambda: JobFetch(config=config)),
        "visit_flow": Block(VisitFlow),
        "restore_unit": Block(lambda: RestoreUnit(config=config)),
        "checksum": Block(lambda: Checksum(width=config.memory_width), 2),
        "pixel_fetch": Block(lambda: PixelFetch(config=config)),
        "record_register": Block(lambda: RecordRegister(spec=spec), spec.record_length),
        "key_unit": Block(lambda: KeyUnit(spec=spec)),
        "look_up": Block(lambda: LookUp(spec=spec)),
        "fill_unit": Block(lambda: FillUnit(spec=spec)),
        "cache_core": Block(lambda: CacheCore(config=config)),
        "result_writer": Block(lambda: ResultWriter(config=config)),
        "save_unit": Block(lambda: SaveUnit(config=config)),
    }
