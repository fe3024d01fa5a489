"""pydantic's own search for plugins reads every distribution, and must not stop the platform on a broken one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution, plugin_source

_PROGRAM = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")
sys.path.insert(0, sys.argv[1])
{imports}
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
print(get_registry().configure(PluginType.COMPUTE, "duckdb", {{"threads": 8}}))
"""


@pytest.mark.parametrize("imports", ["", "import floe_core.settings", "import floe_containers"])
@pytest.mark.parametrize("settings", [False, True])
def test_a_file_that_is_not_utf_8_stops_nothing(tmp_path: Path, imports: str, settings: bool) -> None:
    """Whoever defines the first model: the settings, the plugin's module, or a framework that the container imports."""
    site = tmp_path / "site"
    install_distribution(site, "broken", b"[floe.computes]\nx = \xff\xfe:y\n")
    source = plugin_source(PluginType.COMPUTE, name="duckdb", schema="threads: int = 4")
    install_distribution(
        site, "acme-duck", {PluginType.COMPUTE: {"duckdb": "acme_duck:Plugin"}}, modules={"acme_duck": source}
    )
    environment: dict[str, str] = {}
    if settings:
        file = tmp_path / "settings.json"
        file.write_text('{"plugins": {"computes": {"duckdb": {"threads": 2}}}}')
        environment["FLOE_SETTINGS"] = str(file)

    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(imports=imports), str(site)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert "threads=8" in run.stdout.splitlines()
    assert "pydantic cannot look for its own plugins (UnicodeDecodeError), and works without them" in run.stdout
    assert "entry_points.txt is not UTF-8" in run.stdout
