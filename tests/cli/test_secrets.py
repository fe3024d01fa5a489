"""No configuration value is printed, by any command."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from tests.cli.conftest import Cli
from tests.conftest import InstallPlugin

SECRETS = ("hunter2-token", "hunter2-nested", "hunter2-listed", "918273645")


@pytest.fixture
def settings(install_plugin: InstallPlugin, site: Path) -> Path:
    """A plugin that quotes its configuration wherever its own text is shown."""
    schema = "token: SecretStr\nnested: dict[str, str] = {}\nlisted: list[str] = []\nport: int = 1\non: bool = True\n"
    body = """
        @property
        def description(self):
            return self._all()
        def _all(self):
            c = self.config
            return f"{c.token.get_secret_value()} {c.nested} {c.listed} {c.port}" if c else ""
        def health_check(self):
            return HealthStatus(HealthState.DEGRADED, self._all())
        def shutdown(self):
            raise RuntimeError(self._all())
    """
    install_plugin("acme_a", PluginType.COMPUTE, "a", schema=schema, body=body)
    values = "token = 'hunter2-token'\nnested = { k = 'hunter2-nested' }\nlisted = ['hunter2-listed']\nport = 918273645\non = true\n"
    file = site / "s.toml"
    file.write_text(f"[plugins.computes.a]\n{values}")
    return file


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["show", "a"],
        ["doctor", "--start", "--traceback"],
        ["why", "a", "--load"],
        ["graph", "--load"],
        ["schema", "a"],
        ["health"],
        ["timeline"],
    ],
    ids=" ".join,
)
def test_no_value_is_printed(settings: Path, cli: Cli, command: list[str], form: list[str]) -> None:
    """Not in answers, not in what a plugin says of itself, not in tracebacks."""
    ran = cli(*command, *form, "--settings", str(settings))

    assert ran.code in (0, 1)
    for secret in SECRETS:
        assert secret not in ran.out + ran.err
    if command[0] in ("show", "health"):
        assert "*** {'k': '***'} ['***'] ***" in ran.words
    if "--traceback" in command:
        assert "RuntimeError: ***" in ran.err


def test_no_value_of_an_application_is_printed(settings: Path, site: Path, cli: Cli) -> None:
    """The same with a container whose settings were made in code, nested models included."""
    (site / "app.py").write_text(
        "import tomllib\nfrom pathlib import Path\nfrom floe_containers import PluginContainer\n"
        f"container = PluginContainer(settings=tomllib.loads(Path({str(settings)!r}).read_text()))\n"
    )

    ran = cli("health", "--app", "app:container", "--json")

    for secret in SECRETS:
        assert secret not in ran.out + ran.err


def test_values_of_nested_models_are_found(install_plugin: InstallPlugin, site: Path, cli: Cli) -> None:
    """A value that only the validated configuration holds, made by a default."""
    schema = "class Pool(BaseModel):\n    url: str = 'hunter2-default'\npool: Pool = Pool()\nnothing: None = None\n"
    body = "def health_check(self):\n    return HealthStatus(HealthState.HEALTHY, self.config.pool.url)\n"
    install_plugin("acme_b", PluginType.COMPUTE, "b", schema=schema, body=body)
    (site / "s.toml").write_text("[plugins.computes.b]\n")

    ran = cli("health", "--settings", str(site / "s.toml"))

    assert ran.code == 0
    assert "***" in ran.out
    assert "hunter2" not in ran.out
