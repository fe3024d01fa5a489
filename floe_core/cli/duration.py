"""Durations in words."""

from __future__ import annotations


def written(seconds: float) -> str:
    """``0.4 ms``, ``12 ms``, ``1.23 s``: three digits at most, as people read them."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
