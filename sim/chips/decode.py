"""A decode step of a layer whose attention retrieval has narrowed, by RTL, model or reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from golden.cluster.spec import Status
from hw.chips.decode.config import Config, for_heads
from hw.chips.decode.counters import COUNTERS
from hw.chips.decode.top import DecodeEngine
from hw.cluster import config as cluster
from sim.chips.decode_roofline import step_roofline
from sim.cluster.decode_workload import prepare_step
from sim.cluster.run import output as head_output
from sim.cluster.run import run as run_head
from sim.kernel.compare import Results
from sim.kernel.jobs import JobResult
from sim.kernel.run import Backend, Operation, Run, run_operation

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.chips.decode.layer import Layer, SharedLayer
    from golden.chips.decode.memory_image import MemoryImage
    from golden.chips.decode.model import Decoded
    from golden.cluster.dataflows import Head
    from golden.cluster.head import Calibration
    from golden.kv.scan import ScanOptions

WATCHDOG = 200_000  # cycles: nodes may wait for the memory while the scan reads


@dataclass(frozen=True, kw_only=True)
class StepWorkload:
    """One token of one layer: all its key-value heads, each with its query heads."""

    config: Config
    layer: Layer
    shared: SharedLayer
    memory: MemoryImage
    names: dict[str, object] = field(default_factory=dict)

    @property
    def options(self) -> ScanOptions:
        return self.shared.options

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return dict(self.names)


def prepare(
    nodes: cluster.Config, loaded: Sequence[tuple[Tensor, Head, Calibration | None]], options: ScanOptions
) -> StepWorkload:
    """Quantises the heads for both engines, and lays the step out.

    Args:
        loaded: of every key-value head the layer's hidden vector, the head, and what its weights are calibrated on.

    Raises:
        InputError: heads, tokens or options that the composition does not have.
    """
    from golden.chips.decode.layer import Layer, share_layer
    from golden.chips.decode.memory_image import build
    from golden.cluster.head import Calibration

    hidden, head, known = loaded[0]
    layer = Layer(
        hidden=hidden,
        heads=tuple(h for _, h, _ in loaded),
        calibrations=tuple(c or Calibration() for _, _, c in loaded),
    )
    config = for_heads(
        nodes, heads=len(loaded), head_size=head.key.shape[1], group=head.group, tokens=max(layer.tokens, 1)
    )
    shared = share_layer(layer, config.spec, options)
    names = {
        "scene": f"selected decode of {nodes.spec.nodes}",
        "size": layer.tokens,
        "op": "selected decode",
        "nodes": nodes.spec.nodes,
        "heads": len(loaded),
        "head": head.key.shape[1],
        "query_heads": head.group * len(loaded),
        "hidden": len(hidden),
        "tokens": layer.tokens,
        "selected": shared.selected,
        "options": vars(options),
        "weight_bits": nodes.spec.weight_bits,
        "activation_bits": nodes.spec.activation_bits,
        "weights": "calibrated" if known else "nearest",
    }
    memory = build(shared, watchdog=WATCHDOG)
    return StepWorkload(config=config, layer=layer, shared=shared, memory=memory, names=names)


def _read(workload: StepWorkload, job: JobResult) -> Results:
    from golden.chips.decode.memory_image import read_results

    return read_results(job.data, workload.memory, workload.shared)


def _model(workload: StepWorkload) -> Decoded:
    from golden.chips.decode.model import decode

    return decode(workload.shared, workload.memory)


def _expected(workload: StepWorkload, decoded: Decoded) -> Results:
    from golden.chips.decode.memory_image import read_results

    return read_results(decoded.results(workload.memory), workload.memory, workload.shared)


def _reference(workload: StepWorkload) -> Results:
    """`output` [D], and `tokens.H` of every head."""
    from golden.chips.decode.reference import decode

    output, tokens = decode(workload.layer, workload.options, workload.config.spec.kv.plane_tokens)
    return {"output": output.numpy(), **{f"tokens.{head}": chosen.numpy() for head, chosen in enumerate(tokens)}}


def output(results: Results) -> npt.NDArray[np.float32]:
    """The contribution [D] of all query heads together, whatever computed it."""
    from golden.chips.decode.memory_image import output as whole

    return results["output"] if "output" in results else whole(dict(results))


def _quality(workload: StepWorkload, results: Results) -> dict[str, float]:
    """Root mean square error over root mean square of float32 attention to all tokens, and to the same ones; and the
    softmax mass of the selected tokens and the new one, mean over query heads.
    """
    import torch

    from golden.chips.decode.reference import attend_to, kept_mass

    got = torch.from_numpy(output(results))
    tokens = [torch.from_numpy(results[f"tokens.{head}"]) for head in range(len(workload.layer.heads))]
    full, same = attend_to(workload.layer), attend_to(workload.layer, tokens)
    return {
        "rms_error": float((got - full).norm() / full.norm()),
        "rms_error_of_same_tokens": float((got - same).norm() / same.norm()),
        "selection_error": float((same - full).norm() / full.norm()),
        "max_error": float((got - full).abs().max() / full.abs().max()),
        "mass": kept_mass(workload.layer, tokens),
    }


def _sound(_: StepWorkload, job: JobResult) -> str | None:
    """Every program ended well."""
    status = job.counters["status"]
    return f"decode: a program ended with status {Status(status).name.lower()}" if status else None


STEP = Operation[StepWorkload](
    engine="decode",
    top=lambda workload: DecodeEngine(config=workload.config),
    counters=COUNTERS,
    read=_read,
    model=_model,
    expected=_expected,
    reference=_reference,
    roofline=step_roofline,
    quality=_quality,
    sound=_sound,
    axes={
        "codes": ("query", "channel"), "rows": ("byte",), "tokens": ("place",), "keys": ("token", "channel"),
        "values": ("token", "channel"), "output": ("query", "element"),
    },
)  # fmt: skip


def run(workload: StepWorkload, **options: Any) -> Run:
    """`run_operation` of a step."""
    return run_operation(STEP, workload, **options)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A step, and the same heads attending to all tokens, each by itself, where these were run."""

    run: Run
    full: tuple[Run, ...] = ()

    def report(self) -> dict[str, Any]:
        """The run's, with cycles, bytes and error of attention to all tokens."""
        report = self.run.report()
        if self.full:
            report["full"] = {"rms_error": self._full_error()}
            if self.run.job:
                others = [run.report() for run in self.full]
                report["full"] |= {
                    "cycles": sum(other["cycles"] for other in others),
                    "bound": sum(other["bound"]["cycles"] for other in others),
                    "bytes": sum(other["bytes"]["total"] for other in others),
                }
        return report

    def _full_error(self) -> float:
        """As `rms_error` of the step."""
        from golden.chips.decode.reference import attend_to

        exact = attend_to(self.run.workload.layer).numpy()
        got = np.sum([head_output(run.workload, run.results) for run in self.full], 0)
        return float(np.linalg.norm(got - exact) / np.linalg.norm(exact))


def decode(
    nodes: cluster.Config, loaded: Sequence[tuple[Tensor, Head, Calibration | None]], options: ScanOptions, *,
    full: bool = True, **run_options: Any,
) -> Compared:  # fmt: skip
    """One token of one layer with retrieval, and with `full` each of its heads without; see `prepare` and `run`.

    Raises:
        CheckError: RTL and model differ. InputError: shapes, sizes or options that are refused.
    """
    done = run(prepare(nodes, loaded, options), **run_options)
    others: list[Run] = []
    for hidden, head, known in loaded if full and done.backend != Backend.REFERENCE else ():
        others.append(run_head(prepare_step(nodes, hidden, head, calibration=known), **run_options))
    return Compared(run=done, full=tuple(others))
