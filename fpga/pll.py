"""The clock of everything on a board, by an ECP5's PLL."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Elaboratable, Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import InputError

#: MHz, of Lattice's data sheet FPGA-DS-02012: what is compared, and what oscillates.
COMPARED, OSCILLATING = (3.125, 400.0), (400.0, 800.0)
DIVISORS = range(1, 129)


@dataclass(frozen=True, kw_only=True)
class PllSettings:
    """`input_mhz / reference · feedback` leaves the PLL; inside, `post` times as much oscillates."""

    input_mhz: float  #: of the board's oscillator
    reference: int  #: divides what comes in
    feedback: int  #: divides what goes out, before both are compared
    post: int  #: divides what oscillates

    @property
    def output_mhz(self) -> float:
        """Of the clock."""
        return self.input_mhz * self.feedback / self.reference

    def parameters(self) -> dict[str, object]:
        """Of the primitive EHXPLLL: one output, fed back from itself."""
        return {
            "p_CLKI_DIV": self.reference,
            "p_CLKFB_DIV": self.feedback,
            "p_CLKOP_DIV": self.post,
            "p_CLKOP_CPHASE": self.post // 2,
            "p_CLKOP_FPHASE": 0,
            "p_CLKOP_ENABLE": "ENABLED",
            "p_FEEDBK_PATH": "CLKOP",
            "p_OUTDIVIDER_MUXA": "DIVA",
            "p_PLLRST_ENA": "DISABLED",
            "p_INTFB_WAKE": "DISABLED",
            "p_STDBY_ENABLE": "DISABLED",
            "p_DPHASE_SOURCE": "DISABLED",
            "a_FREQUENCY_PIN_CLKI": f"{self.input_mhz:g}",
            "a_FREQUENCY_PIN_CLKOP": f"{self.output_mhz:g}",
            "a_ICP_CURRENT": "12",
            "a_LPF_RESISTOR": "8",
        }


def pll_settings(input_mhz: float, output_mhz: float) -> PllSettings:
    """The settings that give exactly `output_mhz`, with the fastest oscillation there is.

    Raises:
        InputError: there are none.
    """
    for reference in DIVISORS:
        feedback = round(output_mhz * reference / input_mhz)
        compared = input_mhz / reference
        exact = abs(compared * feedback - output_mhz) < 1e-9
        if feedback in DIVISORS and exact and COMPARED[0] <= compared <= COMPARED[1]:
            post = min(int(OSCILLATING[1] / output_mhz), DIVISORS[-1])
            if post and output_mhz * post >= OSCILLATING[0]:
                return PllSettings(input_mhz=input_mhz, reference=reference, feedback=feedback, post=post)
    raise InputError(f"the PLL cannot make {output_mhz:g} MHz out of {input_mhz:g} MHz")


class Pll(wiring.Component):
    """Makes a clock from the board's oscillator."""

    def __init__(self, *, settings: PllSettings) -> None:
        self.settings = settings
        super().__init__(
            {
                "i": In(1),  #: pin: the board's oscillator
                "o": Out(1),  #: the clock
                "locked": Out(1),  #: the clock is steady
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.pll = Instance(
            "EHXPLLL",
            **self.settings.parameters(),
            i_CLKI=self.i,
            i_CLKFB=self.o,
            i_RST=0,
            i_STDBY=0,
            i_PHASESEL0=0,
            i_PHASESEL1=0,
            i_PHASEDIR=1,
            i_PHASESTEP=1,
            i_PHASELOADREG=1,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
            o_CLKOP=self.o,
            o_LOCK=self.locked,
        )
        return m
