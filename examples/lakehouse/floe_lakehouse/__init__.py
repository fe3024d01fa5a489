"""
A data platform in one process, made of floe plugins: the flights that left New York in 2013, from csv to answers.

Read :mod:`floe_lakehouse.services` for what it does, :mod:`floe_lakehouse.application` for how it is put together, and any
module in :mod:`floe_lakehouse.plugins` for what a plugin looks like.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "1.0.0"
