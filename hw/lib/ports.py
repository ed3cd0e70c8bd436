"""The ports of a component, one by one: walked, found by name, passed on to a component inside."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from amaranth.hdl import Module, ShapeLike, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Flow, In


class Port(NamedTuple):
    """A port as it stands in the Verilog: a member of the signature, down to signals and views."""

    path: tuple[str | int, ...]  #: members, and indices of arrays, from the component on
    flow: Flow  #: In: it is driven from outside
    shape: ShapeLike  #: as declared: a layout, if it has one
    value: Any  #: the Signal or View

    @property
    def name(self) -> str:
        """In the Verilog."""
        return "__".join(map(str, self.path))


class StreamPort(NamedTuple):
    """A stream among the ports."""

    name: str  #: in the Verilog, without `__payload`, `__valid` and `__ready`
    flow: Flow  #: In: the payload enters
    interface: stream.Interface


def ports_of(component: wiring.Component) -> list[Port]:
    """Every port, in the order of declaration; clock and reset are not among them."""
    return [
        Port(path, member.flow, member.shape, value) for path, member, value in component.signature.flatten(component)
    ]


def streams_of(component: wiring.Component) -> list[StreamPort]:
    """Every stream among the ports, at any depth of signatures and arrays.

    Judged by signature: an input's interface is a flipped one, which is no instance of its own class.
    """
    found = []
    for port in ports_of(component):
        *parents, last = port.path
        interface = _member(component, parents)
        if last == "valid" and isinstance(getattr(interface, "signature", None), stream.Signature):
            found.append(StreamPort("__".join(map(str, parents)), port.flow, interface))
    return found


def pairs_of(
    outer: wiring.Component, inner: wiring.Component, names: Collection[str] | None = None
) -> list[tuple[Port, Value, Value]]:
    """Ports of `outer`, each with its value and that of the same port of `inner`.

    Args:
        names: members of the signature whose ports are wanted, all of `outer` if left out.

    Raises:
        AttributeError: `inner` has no such port.
        TypeError: it has another shape or direction.
    """
    known = {port.path: port for port in ports_of(inner)}
    pairs = []
    for port in ports_of(outer):
        if names is not None and port.path[0] not in names:
            continue
        if port.path not in known:
            raise AttributeError(f"{type(inner).__name__} has no port {port.name}")
        twin = known[port.path]
        if (twin.flow, twin.shape) != (port.flow, port.shape):
            raise TypeError(f"port {port.name} is {port.flow}({port.shape!r}), inside {twin.flow}({twin.shape!r})")
        pairs.append((port, Value.cast(port.value), Value.cast(twin.value)))
    return pairs


def forward(m: Module, outer: wiring.Component, inner: wiring.Component, names: Collection[str] | None = None) -> None:
    """Makes ports of `outer` those of `inner`, combinationally; arguments and errors as of `pairs_of`."""
    for port, outside, inside in pairs_of(outer, inner, names):
        m.d.comb += inside.eq(outside) if port.flow == In else outside.eq(inside)


def _member(component: Any, path: list[str | int]) -> Any:
    for step in path:
        component = component[step] if isinstance(step, int) else getattr(component, step)
    return component
