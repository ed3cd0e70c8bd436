"""The one error that a user can cause."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: a malformed file, an impossible parameter, a missing tool.

    The message is one line that states the rule and the value that broke it. The command line
    prints it after `tessera: error:` and exits with status 2, without a traceback.
    """
