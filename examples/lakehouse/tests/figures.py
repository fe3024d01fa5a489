"""The answers once more, worked out from the csv files with nothing but the standard library."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from statistics import fmean
from typing import Any

Row = Mapping[str, str]

NOT_GIVEN = ("", "NA")


def number(text: str) -> float | None:
    """A figure of a csv file, None where it is not given."""
    return None if text in NOT_GIVEN else float(text)


def mean(rows: Iterable[Row], column: str) -> float | None:
    """The mean over the rows that give one."""
    given = [figure for row in rows if (figure := number(row[column])) is not None]
    return fmean(given) if given else None


def is_late(row: Row) -> bool:
    """Arrived more than 15 minutes behind schedule."""
    delay = number(row["arr_delay"])
    return delay is not None and delay > 15


MEASURES: dict[str, Callable[[list[Row]], Any]] = {
    "flights": len,
    "cancelled": lambda rows: sum(row["dep_time"] in NOT_GIVEN for row in rows),
    "cancelled_share": lambda rows: sum(row["dep_time"] in NOT_GIVEN for row in rows) / len(rows),
    "late_share": lambda rows: sum(map(is_late, rows)) / len(rows),
    "dep_delay": lambda rows: mean(rows, "dep_delay"),
    "arr_delay": lambda rows: mean(rows, "arr_delay"),
    "distance": lambda rows: sum(int(row["distance"]) for row in rows),
    "aircraft": lambda rows: len({row["tailnum"] for row in rows} - set(NOT_GIVEN)),
}


def answers(
    flights: Iterable[Row], weather: Iterable[Row], airlines: Iterable[Row], airports: Iterable[Row]
) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """By question and by the values of its dimensions, the measures."""
    flights = list(flights)
    carrier = {row["carrier"]: row["name"] for row in airlines}
    place = {row["faa"]: (row["name"], float(row["lat"]), float(row["lon"])) for row in airports}
    at = {(row["origin"], row["time_hour"]): row for row in weather}

    def sky(row: Row) -> str:
        then = at.get((row["origin"], row["time_hour"]))
        if then is None:
            return "unknown"
        visibility, rain = number(then["visib"]), number(then["precip"])
        if visibility is not None and visibility < 3:
            return "fog"
        return "rain" if rain is not None and rain > 0 else "clear"

    def wind(row: Row) -> str:
        then = at.get((row["origin"], row["time_hour"]))
        speed = number(then["wind_speed"]) if then else None
        if speed is None:
            return "unknown"
        return "calm" if speed < 8 else "breezy" if speed < 16 else "windy"

    def day(row: Row) -> date:
        return date(int(row["year"]), int(row["month"]), int(row["day"]))

    questions: dict[str, tuple[Callable[[Row], tuple[Any, ...]], tuple[str, ...]]] = {
        "year": (
            lambda _: (),
            ("flights", "cancelled", "cancelled_share", "late_share", "dep_delay", "distance", "aircraft"),
        ),
        "months": (lambda row: (int(row["month"]), row["origin"]), ("flights", "cancelled", "dep_delay")),
        "airlines": (lambda row: (carrier[row["carrier"]],), ("flights", "arr_delay", "late_share", "cancelled_share")),
        "hours": (lambda row: (f"{day(row):%A}", int(row["hour"])), ("flights", "dep_delay")),
        "days": (lambda row: (day(row).isoformat(),), ("flights", "cancelled", "dep_delay")),
        "destinations": (
            lambda row: (row["dest"], *place.get(row["dest"], (row["dest"], None, None))),
            ("flights", "arr_delay"),
        ),
        "sky": (lambda row: (sky(row),), ("flights", "dep_delay", "cancelled_share")),
        "wind": (lambda row: (wind(row),), ("flights", "dep_delay", "cancelled_share")),
    }
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    for name, (group_of, measures) in questions.items():
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in flights:
            groups[group_of(row)].append(row)
        found[name] = {
            group: {measure: MEASURES[measure](rows) for measure in measures} for group, rows in groups.items()
        }
    return found


def by_dimensions(
    rows: Iterable[Mapping[str, Any]], dimensions: tuple[str, ...]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """An answer of the semantic layer in the same form."""
    return {
        tuple(row[name] for name in dimensions): {name: row[name] for name in row if name not in dimensions}
        for row in rows
    }
