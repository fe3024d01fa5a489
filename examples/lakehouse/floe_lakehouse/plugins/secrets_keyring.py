"""SECRETS:keyring. Secrets in a file that only its owner may read, through keyring."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from keyring.errors import PasswordDeleteError
from keyrings.alt.file import PlaintextKeyring
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import SecretsPlugin

__all__ = ["KeyringSecrets", "KeyringSecretsConfig"]


class KeyringSecretsConfig(BaseModel):
    """Where the secrets are, and under which name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(description="The keyring file; made at the first secret, readable for its owner only.")
    service: str = Field(default="floe-lakehouse", min_length=1, description="The service under which they are kept.")


class KeyringSecrets(SecretsPlugin):
    """Hands out secrets as :class:`~pydantic.SecretStr`, which prints as asterisks until someone asks for its value."""

    def __init__(self, config: KeyringSecretsConfig) -> None:
        self._file = config.file.absolute()
        self._service = config.service

    @property
    def name(self) -> str:
        return "keyring"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Secrets in a file of its owner's (keyring)"

    @property
    def dependencies(self) -> list[str]:
        return ["STORAGE:local>=1.0,<2"]  # makes the folder of the lake

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return KeyringSecretsConfig

    def startup(self) -> None:
        """Make the folder of the file, for its owner only."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def health_check(self) -> HealthStatus:
        """Keep a secret, read it back, delete it; and see that nobody else may read the file."""
        probe, value = f"health-{uuid4().hex}", SecretStr(secrets.token_urlsafe())
        self.set(probe, value)
        intact = self.get(probe) == value
        self.delete(probe)
        if not intact:
            return HealthStatus(HealthState.UNHEALTHY, "a secret does not read back as it was kept")
        if self._file.stat().st_mode & 0o077:
            return HealthStatus(HealthState.DEGRADED, "others may read the file of the secrets; chmod 600 it")
        return HealthStatus(HealthState.HEALTHY)

    def get(self, name: str) -> SecretStr:
        """The secret of this name. Raises ``LookupError`` when there is none."""
        value = _keyring(self._file).get_password(self._service, name)
        if value is None:
            raise LookupError(f"there is no secret {name!r}")
        return SecretStr(value)

    def ensure(self, name: str) -> SecretStr:
        """The secret of this name; 256 random bits when there is none yet."""
        try:
            return self.get(name)
        except LookupError:
            self.set(name, SecretStr(secrets.token_urlsafe(32)))
            return self.get(name)

    def set(self, name: str, value: SecretStr) -> None:
        """Keep a secret, in place of the one before."""
        self._changed(lambda keyring: keyring.set_password(self._service, name, value.get_secret_value()))

    def delete(self, name: str) -> None:
        """Forget a secret. Raises ``LookupError`` when there is none."""
        try:
            self._changed(lambda keyring: keyring.delete_password(self._service, name))
        except PasswordDeleteError:
            raise LookupError(f"there is no secret {name!r}") from None

    def _changed(self, change: Callable[[PlaintextKeyring], None]) -> None:
        """Change a copy of the file and put it in place at once: keyring itself would write in place."""
        copy = self._file.with_name(f".unfinished-{uuid4().hex}")
        try:
            if self._file.exists():
                shutil.copy2(self._file, copy)
            change(_keyring(copy))
            copy.chmod(0o600)
            os.replace(copy, self._file)
        finally:
            copy.unlink(missing_ok=True)


def _keyring(file: Path) -> PlaintextKeyring:
    keyring = PlaintextKeyring()
    keyring.file_path = str(file)
    return keyring
