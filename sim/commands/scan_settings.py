"""The options of a scan: what `--select scan` takes beside the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from golden.errors import InputError
from sim.kv.workload import scan_options

if TYPE_CHECKING:  # torch is slow to import
    from golden.kv.scan import ScanOptions


@dataclass(frozen=True, kw_only=True)
class ScanSettings:
    """None where nothing is said."""

    top_k: int | None
    top_p: float | None
    planes: int | None
    sink_tokens: int | None
    window: int | None

    def options(self, tokens: int, share: float | None, option: str = "--share") -> ScanOptions:
        """Of a scan of so many tokens; `option` is what says the share.

        Raises:
            InputError: two budgets, or a value out of range.
        """
        if share is not None and self.top_k is not None:
            raise InputError(f"{option} and --top-k are two budgets of one scan, give one of them")
        if self.top_p is not None and not 1 / 1024 <= self.top_p <= 1023 / 1024:
            raise InputError(f"--top-p must lie in 1/1024..1023/1024, it is {self.top_p:g}")
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return scan_options(tokens, share=share, **said)

    def refuse(self, rule: str) -> None:
        """Refuses what was said where nothing is scanned.

        Raises:
            InputError: something was.
        """
        for name, value in asdict(self).items():
            if value is not None:
                raise InputError(f"--{name.replace('_', '-')} is an option of --select scan, not of {rule}")


def scan_settings(planes: str = "1 to 8. [default: 8, exact]") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the options; the command gets them together as `scan`.

    Args:
        planes: how many there may be, and are where nothing is said.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def wrapped(**arguments: Any) -> Any:
            own = {field.name: arguments.pop(field.name) for field in fields(ScanSettings)}
            return command(scan=ScanSettings(**own), **arguments)

        for flag, kind, text in (
            ("--window", int, "scan: the most recent tokens, which are kept always. [default: 64]"),
            ("--sink-tokens", int, "scan: the first tokens, which are kept always. [default: 16]"),
            ("--planes", int, f"scan: bit planes of the keys that are read, {planes}"),
            ("--top-p", float, "scan: as many tokens as hold this share of the softmax mass, within the budget."),
            ("--top-k", int, "scan: the budget, as a number of tokens. [default: a tenth of them]"),
        ):
            click.option(flag, type=kind, help=text)(wrapped)
        return wrapped

    return decorate
