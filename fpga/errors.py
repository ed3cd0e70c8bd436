"""What goes wrong between host and board."""

from __future__ import annotations


class LinkError(RuntimeError):
    """The board does not answer, is gone, or did not do its job; the message is one line that says which."""


class RestartedError(LinkError):
    """The board has lost its memory: somebody reset it, or it lost its power."""


class LineDownError(LinkError):
    """The serial port is gone for now, as it is when a cable is pulled."""
