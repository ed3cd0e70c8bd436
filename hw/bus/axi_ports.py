"""The ports of AXI, as systems call them."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import In, Out

from hw.bus.axi import LITE_WIDTH, RESPONSE_BITS
from hw.bus.config import BusConfig
from hw.lib.memory_port import ADDRESS_WIDTH


def axi4_ports(bus: BusConfig) -> dict[str, Any]:
    """Members of a component that is an AXI4 master."""
    return {
        "m_axi_awid": Out(bus.id_width),  #: write burst: always 0
        "m_axi_awaddr": Out(ADDRESS_WIDTH),  #: write burst: address of its first byte
        "m_axi_awlen": Out(8),  #: write burst: beats less one
        "m_axi_awsize": Out(3),  #: write burst: log2 of a beat's bytes, constant
        "m_axi_awburst": Out(2),  #: write burst: always INCR
        "m_axi_awlock": Out(1),  #: write burst: always normal
        "m_axi_awcache": Out(4),  #: write burst: always normal memory, not cached, bufferable
        "m_axi_awprot": Out(3),  #: write burst: always unprivileged, secure, data
        "m_axi_awqos": Out(4),  #: write burst: always 0
        "m_axi_awvalid": Out(1),  #: write burst: offered, and stays so until it is taken
        "m_axi_awready": In(1),  #: write burst: taken at this edge, if it is offered
        "m_axi_wdata": Out(bus.width),  #: beat to write
        "m_axi_wstrb": Out(bus.width // 8),  #: beat to write: bytes that count, always all
        "m_axi_wlast": Out(1),  #: beat to write: it ends its burst
        "m_axi_wvalid": Out(1),  #: beat to write: offered, and stays so until it is taken
        "m_axi_wready": In(1),  #: beat to write: taken at this edge, if it is offered
        "m_axi_bid": In(bus.id_width),  #: write response: not looked at
        "m_axi_bresp": In(RESPONSE_BITS),  #: write response: an error ends the job
        "m_axi_bvalid": In(1),  #: write response: offered
        "m_axi_bready": Out(1),  #: write response: always taken
        "m_axi_arid": Out(bus.id_width),  #: read burst: always 0
        "m_axi_araddr": Out(ADDRESS_WIDTH),  #: read burst: address of its first byte
        "m_axi_arlen": Out(8),  #: read burst: beats less one
        "m_axi_arsize": Out(3),  #: read burst: log2 of a beat's bytes, constant
        "m_axi_arburst": Out(2),  #: read burst: always INCR
        "m_axi_arlock": Out(1),  #: read burst: always normal
        "m_axi_arcache": Out(4),  #: read burst: always normal memory, not cached, bufferable
        "m_axi_arprot": Out(3),  #: read burst: always unprivileged, secure, data
        "m_axi_arqos": Out(4),  #: read burst: always 0
        "m_axi_arvalid": Out(1),  #: read burst: offered, and stays so until it is taken
        "m_axi_arready": In(1),  #: read burst: taken at this edge, if it is offered
        "m_axi_rid": In(bus.id_width),  #: beat read: not looked at
        "m_axi_rdata": In(bus.width),  #: beat read
        "m_axi_rresp": In(RESPONSE_BITS),  #: beat read: an error ends the job
        "m_axi_rlast": In(1),  #: beat read: it ends its burst
        "m_axi_rvalid": In(1),  #: beat read: offered
        "m_axi_rready": Out(1),  #: beat read: taken at this edge, if it is offered
    }


def axi_lite_ports(address_width: int) -> dict[str, Any]:
    """Members of a component that is an AXI4-Lite slave."""
    return {
        "s_axi_awaddr": In(address_width),  #: register to write: its offset in bytes
        "s_axi_awprot": In(3),  #: register to write: not looked at
        "s_axi_awvalid": In(1),  #: register to write: offered
        "s_axi_awready": Out(1),  #: register to write: taken at this edge, if it is offered
        "s_axi_wdata": In(LITE_WIDTH),  #: word to write
        "s_axi_wstrb": In(LITE_WIDTH // 8),  #: word to write: bytes that count
        "s_axi_wvalid": In(1),  #: word to write: offered
        "s_axi_wready": Out(1),  #: word to write: taken at this edge, if it is offered
        "s_axi_bresp": Out(RESPONSE_BITS),  #: write response: OKAY, or SLVERR where nothing can be written
        "s_axi_bvalid": Out(1),  #: write response: offered, and stays so until it is taken
        "s_axi_bready": In(1),  #: write response: taken at this edge, if it is offered
        "s_axi_araddr": In(address_width),  #: register to read: its offset in bytes
        "s_axi_arprot": In(3),  #: register to read: not looked at
        "s_axi_arvalid": In(1),  #: register to read: offered
        "s_axi_arready": Out(1),  #: register to read: taken at this edge, if it is offered
        "s_axi_rdata": Out(LITE_WIDTH),  #: word read
        "s_axi_rresp": Out(RESPONSE_BITS),  #: word read: OKAY, or SLVERR where there is no register
        "s_axi_rvalid": Out(1),  #: word read: offered, and stays so until it is taken
        "s_axi_rready": In(1),  #: word read: taken at this edge, if it is offered
    }
