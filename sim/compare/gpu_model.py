"""A GPU as a roofline: what published or measured times become on another one, and how far off that is.

A kernel keeps the share of its roof that it reaches where it was timed, so that its time scales with the roof alone:
t' = t · roof / roof', plus the launches. The roof is the memory's bandwidth or the float32 peak, by the kernel's class;
the efficiency of a class is what the kernel has of its roof, the same on every GPU. That leaves out caches, occupancy,
clocks that fall, and how well the host hides launches: `checks` says by which factor it misses published figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sim.compare.published import Claim, Device, devices, figures

MEMORY, COMPUTE = "memory", "compute"
LAUNCH_US = 5.0  # assumed for every GPU: no source at hand gives it for these


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A stage of a frame of 3D Gaussian splatting."""

    figure: str  #: the design's name in `gpus.json`
    roof: str  #: MEMORY or COMPUTE
    per: str  #: what its work grows with: `gaussians` or `pixels`
    launches: int  #: of kernels: scans and the passes of a radix sort are several


#: The frame whose stages were timed one by one.
TIMED_ON, STAND_IN = "Turing TU10x", "TITAN RTX"  # a review names the chip alone; its full version stands for it
TIMED: Mapping[str, float] = {"gaussians": 5.71e6, "pixels": 1036 * 1600}  # garden; gsplat docs/source/tests/eval.rst
KERNELS = (
    Kernel(figure="3DGS, preprocess", roof=MEMORY, per="gaussians", launches=1),
    Kernel(figure="3DGS, bin", roof=MEMORY, per="gaussians", launches=3),
    Kernel(figure="3DGS, sort", roof=MEMORY, per="gaussians", launches=8),
    Kernel(figure="3DGS, blend", roof=COMPUTE, per="pixels", launches=1),
)
#: A crop of garden, repeated, at full HD; docs/source/tests/profile.rst.
CROP: Mapping[str, float] = {"gaussians": 2.78e6, "pixels": 1920 * 1080}
#: What published figures can be set beside: device, design, a word of the workload, and the frame that the model draws.
#: Ranges over real scenes are set beside garden, one of the larger ones.
CHECKED: tuple[tuple[str, str, str, Mapping[str, float]], ...] = (
    ("Orin NX", "3DGS", "", TIMED),
    ("AGX Xavier", "3DGS", "", TIMED),
    ("AGX Orin", "3DGS", "", {**TIMED, "pixels": 2560 * 1440}),
    ("TITAN RTX", "INRIA", "garden", CROP),
    ("RTX 5090", "3DGUT", "garden", TIMED),
)
METHOD = (
    f"{TIMED_ON}'s stage times of garden ({', '.join(k.figure.removeprefix('3DGS, ') for k in KERNELS)}), scaled by "
    "Gaussians or pixels and by the roof of each"
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A published figure beside what the model says of it."""

    claim: Claim
    modelled_fps: float | None  #: None where the device's roofs are not known
    why: str | None  #: there is none

    @property
    def factor(self) -> float | None:
        """Model over the nearer end of the published range, or its inverse, whichever is 1 or more; 1 inside."""
        if self.modelled_fps is None:
            return None
        return max(self.claim.low / self.modelled_fps, self.modelled_fps / self.claim.high, 1.0)


def roof(device: Device, kind: str) -> float | None:
    """Bandwidth in GB/s or peak in TFLOPS; None where it is not known."""
    return device.bandwidth_gbs if kind == MEMORY else device.peak_tflops


def lacking(device: Device) -> str | None:
    """Why a frame cannot be modelled on it; None where it can."""
    missing = [name for name, kind in (("bandwidth", MEMORY), ("float32 peak", COMPUTE)) if roof(device, kind) is None]
    return f"no source at hand gives the {' and the '.join(missing)} of {device.name}" if missing else None


def scaled(ms: float, kind: str, source: Device, target: Device) -> float | None:
    """A kernel's time on another GPU; None where a roof is not known."""
    ours, theirs = roof(source, kind), roof(target, kind)
    return ms * ours / theirs if ours and theirs else None


def frame_ms(work: Mapping[str, float], target: Device) -> float | None:
    """A frame of splatting with so many `gaussians` and `pixels`; None where the target's roofs are not known."""
    total = 0.0
    for kernel in KERNELS:
        timed = _timed()[kernel.figure] * work[kernel.per] / TIMED[kernel.per]
        there = scaled(timed, kernel.roof, devices()[STAND_IN], target)
        if there is None:
            return None
        total += there + kernel.launches * LAUNCH_US / 1000
    return total


def checks() -> list[Check]:
    """Every published figure that the model can be held against, and those that it cannot for want of a roof."""
    found: list[Check] = []
    for name, design, word, work in CHECKED:
        target = devices()[name]
        ms = frame_ms(work, target)
        for claim in figures():
            named = (claim.device, claim.design, claim.quantity) == (name, design, "frame rate")
            if named and word in claim.workload:
                found.append(Check(claim=claim, modelled_fps=1000 / ms if ms else None, why=lacking(target)))
    return found


def worst_factor() -> float:
    """The largest of all checks: what a modelled figure may be off by, either way."""
    return max(check.factor for check in checks() if check.factor is not None)


@cache
def _timed() -> Mapping[str, float]:
    """Milliseconds of the timed frame's stages."""
    return {claim.design: claim.low for claim in figures() if claim.device == TIMED_ON}
