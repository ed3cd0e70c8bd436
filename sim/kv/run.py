"""A retrieval or a compression by RTL, model or reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from golden.kv.memory_image import expected_results, read_results
from hw.kv.config import default, paper
from hw.kv.counters import COUNTERS
from hw.kv.top import KvEngine
from sim.kernel.compare import Results
from sim.kernel.jobs import JobResult
from sim.kernel.run import Operation, Run, run_operation
from sim.kv.bounds import compress_roofline, retrieve_roofline, scan_roofline
from sim.kv.check import stage_streams
from sim.kv.workload import CompressWorkload, RetrieveWorkload, ScanWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed to run RTL
    from torch import Tensor

    from golden.kv.model import ModelResult
    from golden.kv.scan import Scan


def _read_retrieval(workload: RetrieveWorkload, job: JobResult) -> Results:
    return read_results(
        job.data, workload.memory, workload.config.spec, tokens=len(workload.data.keys),
        clusters=job.counters["clusters"], words=job.counters["result_words"],
    )  # fmt: skip


def _retrieve_by_model(workload: RetrieveWorkload) -> ModelResult:
    from golden.kv.model import retrieve

    return retrieve(workload.data, workload.config.spec, workload.options)


def _retrieve_by_reference(workload: RetrieveWorkload) -> Results:
    from sim.kv.reference import retrieve

    return retrieve(workload)


def _retrieval_quality(workload: RetrieveWorkload | ScanWorkload, results: Results) -> dict[str, Any]:
    from sim.kv.selection import result_qualities

    return {"heads": {str(h): vars(quality) for h, quality in enumerate(result_qualities(workload, results))}}


#: The highest in docs/kv.md, without pauses: text, layer 1; and the whole of V-Rex's heads.
RECORDED_RATIOS = {default(): 1.13, paper(): 1.02}

RETRIEVE = Operation[RetrieveWorkload](
    engine="kv",
    top=lambda workload: KvEngine(config=workload.config),
    counters=COUNTERS,
    read=_read_retrieval,
    model=_retrieve_by_model,
    expected=lambda workload, model: expected_results(model, workload.data, workload.config.spec),
    reference=_retrieve_by_reference,
    roofline=lambda workload, job, memory: retrieve_roofline(job.counters, workload.config, memory),
    quality=_retrieval_quality,
    streams=stage_streams,
    recorded_ratio=lambda workload: RECORDED_RATIOS.get(workload.config),
    axes={"log": ("token",), "bitmaps": ("head", "cluster"), "records": ("record", "byte")},
)


def _read_scan(workload: ScanWorkload, job: JobResult) -> Results:
    from golden.kv.scan_image import read_results as read_scan

    return read_scan(job.data, workload.memory, workload.config.spec, len(workload.data.keys))


def _scan_by_model(workload: ScanWorkload) -> list[Scan]:
    from golden.kv.scan_image import select_heads

    return select_heads(workload.data, workload.config.spec, workload.options)


def _expected_scan(workload: ScanWorkload, scans: list[Scan]) -> Results:
    from golden.kv.scan_image import expected_results as expected_scan

    return expected_scan(workload.data, scans, workload.config.spec)


def _scan_by_reference(workload: ScanWorkload) -> Results:
    from sim.kv.reference import scan

    return scan(workload)


def _scan_quality(workload: ScanWorkload, results: Results) -> dict[str, Any]:
    """Beside the heads' figures: the share of the INT8 cache that the model reads."""
    data = workload.data
    read = sum(scan.bytes_read for scan in _scan_by_model(workload))
    return {**_retrieval_quality(workload, results), "read": read / (data.keys.numel() + data.values.numel())}


SCAN = Operation[ScanWorkload](
    engine="kv",
    top=lambda workload: KvEngine(config=workload.config),
    counters=COUNTERS,
    read=_read_scan,
    model=_scan_by_model,
    expected=_expected_scan,
    reference=_scan_by_reference,
    roofline=lambda workload, job, memory: scan_roofline(
        job.counters, workload.config, workload.options, len(workload.data.keys), memory
    ),
    quality=_scan_quality,
    axes={"tokens": ("place",), "records": ("record", "byte")},
)


def _read_choice(workload: CompressWorkload, job: JobResult) -> Results:
    from golden.kv.vision_sink import read_results

    return read_results(job.data, len(workload.codes))


def _compress_by_model(workload: CompressWorkload) -> Tensor:
    from golden.kv.vision_sink import vision_sink

    return vision_sink(workload.codes, workload.options)


def _expected_choice(_: CompressWorkload, keep: Tensor) -> Results:
    from golden.kv.vision_sink import expected_results

    return expected_results(keep)


def _compress_by_reference(workload: CompressWorkload) -> Results:
    from sim.kv.reference import compress

    return compress(workload)


def _compression_quality(workload: CompressWorkload, results: Results) -> dict[str, Any]:
    from sim.kv.selection import choice_quality

    return choice_quality(workload, results)


COMPRESS = Operation[CompressWorkload](
    engine="kv",
    top=lambda workload: KvEngine(config=workload.config),
    counters=COUNTERS,
    read=_read_choice,
    model=_compress_by_model,
    expected=_expected_choice,
    reference=_compress_by_reference,
    roofline=lambda workload, job, memory: compress_roofline(
        job.counters, len(workload.codes), workload.config, memory
    ),
    quality=_compression_quality,
    axes={"vision_sink": ("token",)},
)


def run(workload: RetrieveWorkload | ScanWorkload | CompressWorkload, **options: Any) -> Run:
    """Retrieves, scans or compresses, as the workload asks. `sim.kernel.run.run_operation` takes the options."""
    if isinstance(workload, CompressWorkload):
        return run_operation(COMPRESS, workload, **options)
    if isinstance(workload, ScanWorkload):
        return run_operation(SCAN, workload, **options)
    return run_operation(RETRIEVE, workload, **options)
