"""
Lets pydantic look for plugins of its own, once, where it can do no harm.

Its first model reads the entry points of all distributions through the standard library, which raises when one of them is
not UTF-8: out of whatever plugin, or framework, happens to define that model.
"""

from __future__ import annotations

import logging
from functools import cache

from pydantic import create_model

logger = logging.getLogger(__name__)


@cache
def define_a_first_model() -> None:
    """Have pydantic look now; if it cannot, it goes on without plugins of its own."""
    try:
        create_model("FirstModel")
    except Exception as exc:
        logger.warning("pydantic cannot look for its own plugins (%s), and works without them", type(exc).__name__)
