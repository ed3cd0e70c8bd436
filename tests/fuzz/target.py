"""One process of the fuzzer: `python -m tests.fuzz.target KIND CORPUS [libFuzzer's options]`.

KIND is one of `files.KINDS`, or `lines`. The fuzzer is Google's Atheris (libFuzzer with Python's coverage): it keeps
time, memory, hangs and the corpus, and stops at the first input whose outcome is neither right nor a refusal.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

atheris: Any = import_module("atheris")  # its types are not to be seen from outside

with atheris.instrument_imports(include=["golden", "sim"]):
    from golden.errors import InputError
    from sim.cli import main
    from tests.fuzz.files import KINDS, FileKind
    from tests.fuzz.lines import LINES, fixtures, line, shown

REFUSED = 2


def read_file(kind: FileKind, folder: Path) -> Callable[[bytes], None]:
    """A test of one input: the reader takes it, or refuses it in one line."""

    def test(data: bytes) -> None:
        for name, content in kind.pack(data).items():
            (folder / name).write_bytes(content)
        try:
            kind.read(folder / kind.name)
        except InputError as error:
            if len(str(error).splitlines()) != 1:
                raise AssertionError(f"a refusal of more than one line: {error}") from error

    return test


def run_line(folder: Path) -> Callable[[bytes], None]:
    """A test of one input: the command works, or says one line of error and ends with 2."""
    os.chdir(folder)

    def test(data: bytes) -> None:
        files = fixtures(folder)  # anew: a line may have written to one
        source = atheris.FuzzedDataProvider(data)
        words = line(lambda count: source.ConsumeIntInRange(0, count - 1), files)
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            status = run(words)
        if status not in (0, REFUSED):
            raise AssertionError(f"status {status}: {shown(words)}")

    return test


def run(words: list[str]) -> int:
    """The exit code of `tessera WORDS`, in this process."""
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def fuzz(name: str, arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="Reading `.npy` or `.npz` file")  # NumPy's advice, and good advice
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    test = run_line(folder) if name == LINES else read_file(KINDS[name], folder)
    atheris.Setup([sys.argv[0], *arguments], test)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], sys.argv[2:])
