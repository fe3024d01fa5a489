"""Reads ``lakehouse.toml``: the application's own table, and floe-core's settings around it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from floe_core.settings import Settings

__all__ = ["SETTINGS_FILE", "LakehouseSettings"]

SETTINGS_FILE: Final = Path(__file__).with_name("lakehouse.toml")
"""The settings that come with the package."""


class LakehouseSettings(BaseModel):
    """What the application itself has to be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caller: str = Field(description="Who runs it, unless the command line says otherwise.")
    start_timeout: float = Field(default=60.0, gt=0, description="Seconds for each plugin to start.")
    platform: Settings = Field(description="Which plugins there are to be, and how they are configured.")

    @classmethod
    def load(cls, file: Path = SETTINGS_FILE, *, lake: Path) -> LakehouseSettings:
        """
        Read *file*, with the folder *lake* in place of each ``${lake}``.

        Raises:
            OSError: The file cannot be read.

            tomllib.TOMLDecodeError: It is not well-formed.

            floe_core.plugin_errors.SettingsError: A setting of the platform is wrong; the error says which.

            pydantic.ValidationError: A setting of the application is wrong.
        """
        content = _filled_in(tomllib.loads(file.read_text(encoding="utf-8")), str(lake))
        own = content.pop("lakehouse", {})
        return cls(**own, platform=Settings.from_mapping(content, source=str(file)))


def _filled_in(value: Any, lake: str) -> Any:
    match value:
        case str():
            return value.replace("${lake}", lake)
        case dict():
            return {key: _filled_in(item, lake) for key, item in value.items()}
        case list():
            return [_filled_in(item, lake) for item in value]
        case _:
            return value
