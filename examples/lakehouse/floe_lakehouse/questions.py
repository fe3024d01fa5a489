"""The questions that each run answers, in the words of the semantic layer (``metrics.yml``)."""

from __future__ import annotations

from typing import Final

from floe_lakehouse.ports import Question

__all__ = ["QUESTIONS"]

QUESTIONS: Final[dict[str, Question]] = {
    "year": Question(
        measures=("flights", "cancelled", "cancelled_share", "late_share", "dep_delay", "distance", "aircraft"),
    ),
    "months": Question(measures=("flights", "cancelled", "dep_delay"), by=("month", "origin")),
    "airlines": Question(
        measures=("flights", "arr_delay", "late_share", "cancelled_share"), by=("airline",), order_by=("-flights",)
    ),
    "hours": Question(measures=("flights", "dep_delay"), by=("weekday", "hour")),
    "days": Question(measures=("flights", "cancelled", "dep_delay"), by=("day",)),
    "destinations": Question(
        measures=("flights", "arr_delay"),
        by=("dest", "destination", "dest_lat", "dest_lon"),
        order_by=("-flights", "dest"),
    ),
    "sky": Question(measures=("flights", "dep_delay", "cancelled_share"), by=("sky",), order_by=("-flights",)),
    "wind": Question(measures=("flights", "dep_delay", "cancelled_share"), by=("wind",), order_by=("-flights",)),
}
"""By the name under which the answer is kept in ``answers.json`` and drawn on the page."""
