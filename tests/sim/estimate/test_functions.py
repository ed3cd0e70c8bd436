from __future__ import annotations

from itertools import product

import pytest

from golden.errors import InputError
from sim.estimate.functions import read_function


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("!(A1 & A2)", lambda a, b, c: not (a and b)),
        ("A1 A2 + A3", lambda a, b, c: (a and b) or c),
        ("(A1*A2)'", lambda a, b, c: not (a and b)),
        ("A1 ^ A2 & A3", lambda a, b, c: (a ^ b) and c),
        ("A1' ^ A2 | !A3", lambda a, b, c: ((not a) ^ b) or not c),
        ("A1 & (A2 | 1)", lambda a, b, c: a),
        ("!A1 !A2", lambda a, b, c: not a and not b),
    ],
)
def test_liberty_binds_in_its_own_order(text: str, same) -> None:
    """Exclusive-or binds closer than and, which Verilog's does not."""
    function = read_function(text)
    verilog = function.verilog().replace("~", "1 - ").replace("1'b", "")
    for a, b, c in product((0, 1), repeat=3):
        values = {"A1": a, "A2": b, "A3": c}
        assert function.evaluate(values) == int(same(a, b, c)) == eval(verilog, values)


def test_the_pins_that_a_function_reads() -> None:
    assert read_function("!(A * B) + 1").pins() == {"A", "B"}


@pytest.mark.parametrize("text", ["", "A &", "(A", "A ) B", "A ? B : C", "& A", "A - B"])
def test_what_is_no_function(text: str) -> None:
    with pytest.raises(InputError, match="a liberty function"):
        read_function(text)
