"""What is behind a scene: a colour, as an option."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click
from PIL import ImageColor

from golden.errors import InputError
from sim.splat.picture import BLACK, Color


def background_option(command: Callable[..., None]) -> Callable[..., None]:
    """--background, as the argument `background`, black where it is not given."""
    return click.option(
        "--background",
        metavar="COLOR",
        default=None,
        callback=lambda _, __, text: BLACK if text is None else parse_color(text),
        help="Behind the scene: R,G,B of 0 to 1, a name, or #RRGGBB. [default: black]",
    )(command)


def parse_color(text: str) -> Color:
    """Three numbers of 0 to 1 with commas between them, or what HTML calls a colour.

    Raises:
        InputError: anything else.
    """
    parts = text.split(",")
    if len(parts) == 3 and not text.strip().endswith(")"):
        return _of_numbers(text, parts)
    try:
        channels: tuple[Any, ...] = ImageColor.getrgb(text)
    except ValueError as error:
        raise InputError(
            f"--background takes R,G,B of 0 to 1, a name such as 'white', or #RRGGBB, got '{text}'"
        ) from error
    if len(channels) != 3:
        raise InputError(f"--background must be opaque, got '{text}'")
    return (channels[0] / 255, channels[1] / 255, channels[2] / 255)


def _of_numbers(text: str, parts: list[str]) -> Color:
    if not all(re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", part) for part in parts):
        raise InputError(f"--background takes three numbers R,G,B of 0 to 1, got '{text}'")
    red, green, blue = (float(part) for part in parts)
    if not all(0 <= channel <= 1 for channel in (red, green, blue)):
        raise InputError(f"--background: R, G and B must lie in 0..1, got '{text}'")
    return red, green, blue
