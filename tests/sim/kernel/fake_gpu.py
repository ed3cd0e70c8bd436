"""A GPU that is not there: its driver's library, its events, and torch's word for it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

UUID = "12345678-0000-0000-0000-000000000001"


class FakeNvmlError(Exception):
    """As the module's own errors."""


class FakeNvml:
    """Stands for the module `pynvml`: one GPU, in NVML's units.

    Attributes:
        lacks: names of functions that fail.
        joules, watts: of the counter and of the power, at each question.
        known: handles by UUID.
    """

    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    NVMLError = FakeNvmlError

    def __init__(self) -> None:
        self.lacks: set[str] = set()
        self.joules: Callable[[], float] = lambda: 0.0
        self.watts: Callable[[], float] = lambda: 70.0
        self.known = {f"GPU-{UUID}": object()}
        self._of_a_device: dict[str, Callable[..., Any]] = {
            "nvmlDeviceGetTotalEnergyConsumption": lambda: 7_000_000_000_000 + round(1000 * self.joules()),
            "nvmlDeviceGetPowerUsage": lambda: round(1000 * self.watts()),
            "nvmlDeviceGetEnforcedPowerLimit": lambda: 450_000,
            "nvmlDeviceGetPersistenceMode": lambda: 1,
            "nvmlDeviceGetClockInfo": lambda clock: {1: 1980, 2: 2619}[clock],
            "nvmlDeviceGetMaxClockInfo": lambda clock: {1: 2100, 2: 2700}[clock],
        }
        self._others: dict[str, Callable[..., Any]] = {
            "nvmlInit": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: b"999.01",
            "nvmlDeviceGetHandleByUUID": self._handle,
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The module's function of that name."""
        if name not in self._of_a_device | self._others:
            raise AttributeError(name)

        def function(*arguments: Any) -> Any:
            if name in self.lacks:
                raise FakeNvmlError("Not Supported")
            if name in self._others:
                return self._others[name](*arguments)
            handle, *more = arguments
            if handle not in self.known.values():
                raise FakeNvmlError("Invalid Argument")
            return self._of_a_device[name](*more)

        return function

    def _handle(self, uuid: str) -> object:
        if uuid not in self.known:
            raise FakeNvmlError("Not Found")
        return self.known[uuid]


class FakeCuda:
    """Stands for `torch.cuda`'s events: `work` is queued and takes its time only on the GPU's clock.

    Args:
        run_ms: that every run takes beside: the time from one event to the next.
    """

    def __init__(self, run_ms: float = 0.0) -> None:
        self.queued_ms = 0.0  # the GPU's clock when all is done
        self.open = 0  # events that nobody has waited for
        fake = self

        class Event:
            def __init__(self, enable_timing: bool = False) -> None:
                assert enable_timing
                self.at: float | None = None

            def record(self) -> None:
                fake.work(run_ms)
                self.at = fake.queued_ms
                fake.open += 1

            def elapsed_time(self, end: Event) -> float:
                assert self.at is not None
                assert end.at is not None
                if fake.open:
                    raise RuntimeError("Both events must be completed before calculating elapsed time.")
                return end.at - self.at

        self.Event = Event

    def work(self, milliseconds: float) -> None:
        self.queued_ms += milliseconds

    def synchronize(self) -> None:
        self.open = 0


#: What torch says of the GPU; no prefix before the UUID.
PROPERTIES = SimpleNamespace(name="Stand-in 9000", multi_processor_count=132, total_memory=80 << 30, uuid=UUID)
