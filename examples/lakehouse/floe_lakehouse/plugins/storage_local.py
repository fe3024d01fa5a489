"""STORAGE:local. Files in a folder of this machine, through fsspec."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import StoragePlugin

__all__ = ["LocalStorage", "LocalStorageConfig"]

_UNFINISHED = ".unfinished-"


class LocalStorageConfig(BaseModel):
    """Where the lake is, and how much room it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path = Field(description="The folder that holds the lake; made when it does not exist.")
    min_free_bytes: int = Field(default=200_000_000, ge=0, description="Below this much room, health is degraded.")


class LocalStorage(StoragePlugin):
    """Keeps everything that the lake is made of in one folder."""

    def __init__(self, config: LocalStorageConfig) -> None:
        self._root = config.root.absolute()
        self._min_free_bytes = config.min_free_bytes
        self._files = LocalFileSystem(auto_mkdir=True)

    @property
    def name(self) -> str:
        return "local"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Files in a local folder (fsspec)"

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return LocalStorageConfig

    def startup(self) -> None:
        """Make the folder, and clear away what a killed writer left unfinished."""
        self._files.makedirs(str(self._root), exist_ok=True)
        for leftover in self._root.rglob(f"{_UNFINISHED}*"):
            self._files.rm_file(str(leftover))

    def health_check(self) -> HealthStatus:
        """Write a file, read it back, delete it, and look at the room that is left."""
        probe = f".health-{uuid4().hex}"
        self.write(probe, probe)
        intact = self.read(probe) == probe
        self._files.rm_file(str(self.path(probe)))
        if not intact:
            return HealthStatus(HealthState.UNHEALTHY, "a file does not read back as it was written")
        free = shutil.disk_usage(self._root).free
        if free < self._min_free_bytes:
            return HealthStatus(HealthState.DEGRADED, "there is little room left", {"free_bytes": free})
        return HealthStatus(HealthState.HEALTHY, details={"free_bytes": free})

    def path(self, *parts: str) -> Path:
        """Where something of this name is kept. Raises ``ValueError`` for a name that leads out of the lake."""
        path = self._root.joinpath(*parts)
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise ValueError(f"{'/'.join(parts)!r} leads out of the lake")
        return path

    def write(self, name: str, content: str) -> Path:
        """Write next to the target, then rename: a reader, or a killed process, never sees half a file."""
        target = self.path(name)
        unfinished = target.with_name(f"{_UNFINISHED}{uuid4().hex}")
        self._files.pipe_file(str(unfinished), content.encode())
        self._files.mv(str(unfinished), str(target))
        return target

    def read(self, name: str) -> str:
        """The text of a file. Raises ``FileNotFoundError`` when there is none."""
        return bytes(self._files.cat_file(str(self.path(name)))).decode()

    def sizes(self) -> dict[str, int]:
        """Bytes used by each top-level entry of the lake, by name."""
        entries = self._files.ls(str(self._root), detail=False)
        return {Path(entry).name: int(self._files.du(entry)) for entry in sorted(entries)}
