"""Engines on boards: pins, tops, bitstreams and the link to a host."""
