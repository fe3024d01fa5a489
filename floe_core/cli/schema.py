"""``schema KEY``: the JSON schema of a plugin's configuration."""

from __future__ import annotations

from floe_core.cli import schemas
from floe_core.cli.output import document, write_json
from floe_core.cli.session import FINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session


def command(session: Session, written: str) -> int:
    key = session.source.key(written)
    model = schemas.schema_of(session.source, key)
    schema = schemas.json_schema_of(key, model)
    session.answer(document("schema", key=str(key), has_schema=model is not None, json_schema=schema), draw)
    return FINE


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    """The schema alone, so that it can be piped into a file."""
    write_json(screen.console.file, answer["json_schema"])
