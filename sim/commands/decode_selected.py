"""`tessera decode --select scan`: a layer's heads attend to what retrieval has selected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from golden.errors import InputError
from sim.chips.decode import decode, output
from sim.cluster.step_source import StepSource
from sim.commands.run_options import RunOptions
from sim.commands.scan_settings import ScanSettings
from sim.kernel.console import out, step
from sim.kernel.files import write_array
from sim.kernel.quality import shown
from sim.kernel.run import Backend

PLANES = 4  # that are read where nothing is said


def decode_selected(
    source: StepSource, scan: ScanSettings, budget: float | None, options: RunOptions, *, full: bool,
    target: Path | None,
) -> None:  # fmt: skip
    """Decodes, writes the output, and says what it cost beside attention to all tokens.

    Raises:
        InputError: a budget out of range, a backend that holds one engine, or what the composition refuses.
        CheckError: RTL and model differ.
    """
    if options.backend == Backend.FPGA:
        raise InputError("--backend fpga holds one engine on one board: --select scan needs another backend")
    if budget is not None and not 0 <= budget <= 1:
        raise InputError(f"--budget must lie in 0..1, it is {budget:g}")
    with step("loading the heads"):
        loaded = [own.load() for own in source.every_head()]
    tokens = len(loaded[0][1].keys)
    chosen = replace(scan, planes=PLANES if scan.planes is None else scan.planes).options(tokens, budget, "--budget")
    with step(f"decoding by {options.backend}"):
        done = decode(options.config, loaded, chosen, full=full, **options.keywords())
    if target:
        write_array(target, output(done.run.results))
    report = done.report()
    names, quality = done.run.workload.names, report["quality"]
    out.print(
        f"decode of {names['query_heads']} query heads of {names['head']}: {names['selected']} of {tokens} tokens for "
        f"each of {names['heads']} key-value heads, {shown(quality['mass'], '.3f')} of the softmax mass, error "
        f"{shown(quality['rms_error'], '.2%')} of float32 with all tokens, "
        f"{shown(quality['rms_error_of_same_tokens'], '.2%')} with the same"
    )
    other = report.get("full", {})
    if other:
        cost = f", {other['cycles']} cycles, {other['bytes']} B" if "cycles" in other else ""
        out.print(f"all tokens, head after head: error {other['rms_error']:.2%}{cost}")
    options.finish(done.run, report)
