"""The command line: `tessera COMMAND`."""

from __future__ import annotations

import sys

import click

from fpga.errors import LinkError
from golden.errors import InputError
from hw.yosys import YosysError
from sim.commands.baseline import baseline
from sim.commands.bench import bench
from sim.commands.bitstream import bitstream
from sim.commands.clean import clean
from sim.commands.collective import gather, reduce
from sim.commands.compare import compare
from sim.commands.compress import compress
from sim.commands.config import config
from sim.commands.decode import decode
from sim.commands.demo import demo
from sim.commands.diff import diff
from sim.commands.docs import docs
from sim.commands.engines import engines
from sim.commands.estimate import estimate
from sim.commands.generate import generate
from sim.commands.history import history
from sim.commands.lod import lod
from sim.commands.options import output_options
from sim.commands.pack import pack
from sim.commands.perplexity import perplexity
from sim.commands.regress import regress
from sim.commands.render import render
from sim.commands.retrieve import retrieve
from sim.commands.reuse import reuse
from sim.commands.sim import sim
from sim.commands.synth import synth
from sim.commands.test_bench import test_bench
from sim.commands.version import version_option
from sim.estimate.sta import TimingError
from sim.kernel.compare import CheckError
from sim.kernel.console import err, start
from sim.kernel.problem import WrongAnswerError
from sim.kernel.runner import SimulationError
from sim.kernel.synth import SynthesisError, TargetMissedError

FAILED = 1  # RTL and model differ, or a tool or a board failed
BAD_INPUT = 2  # the user can mend it
TARGET_MISSED = 3  # right, but not as fast or small as asked


@output_options
@version_option
@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Open accelerator RTL with its proof: generate it, run it, measure it."""


COMMANDS = (
    generate, render, pack, lod, retrieve, compress, perplexity, reduce, gather, decode, reuse,
    demo, config, sim, test_bench, synth, estimate, bitstream, baseline, compare, regress, history, diff, bench, docs,
    engines, clean,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(output_options(command))


def main() -> None:
    """Runs the command; an error is one line on stderr and a status, never a traceback."""
    start()
    try:
        cli(prog_name="tessera", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        err.print(error.format_message(), markup=False)
        sys.exit(BAD_INPUT)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), BAD_INPUT)  # some list choices one a line
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except InputError as error:
        _fail(str(error), BAD_INPUT)
    except (
        CheckError, LinkError, SimulationError, SynthesisError, TimingError, WrongAnswerError, YosysError,
    ) as error:  # fmt: skip
        _fail(str(error), FAILED)
    except TargetMissedError as error:
        _fail(str(error), TARGET_MISSED)
    except OSError as error:
        _fail(f"{error.filename or 'file'}: {error.strerror}", BAD_INPUT)


def _fail(message: str, status: int) -> None:
    err.print(f"tessera: error: {message}", markup=False, soft_wrap=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
