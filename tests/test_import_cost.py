"""What the first import and the first registry pull in, and what they leave out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution, plugin_source


def modules_after(code: str, *path: Path) -> set[str]:
    """The modules that a fresh interpreter has imported once it has run *code*."""
    arranged = f"import sys\nsys.path[:0] = {[str(folder) for folder in path]!r}\n{code}\nprint(*sorted(sys.modules))"
    # -I: no variable and no folder of this session's reaches it, but for what is installed
    finished = subprocess.run([sys.executable, "-I", "-c", arranged], capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    return set(finished.stdout.split())


def stray(modules: set[str], *unwanted: str) -> list[str]:
    """Which of *unwanted*, or of what lies inside of them, was imported beyond what the interpreter starts with."""
    started_with = modules_after("")
    return sorted(
        module
        for module in modules - started_with
        if any(module == name or module.startswith(f"{name}.") for name in unwanted)
    )


HEAVY = (
    "pydantic",
    "pydantic_core",
    "typing",
    "typing_extensions",
    "importlib.metadata",
    "dependency_injector",
    "packaging",
)


class TestImports:
    @pytest.mark.parametrize(
        "module",
        [
            "floe_core.plugin_registry",
            "floe_core.plugin_types",
            "floe_core.plugin_metadata",
            "floe_core.plugin_errors",
            "floe_core.plugins",
            "floe_core.version_compat",
            "floe_core.discovery_policy",
            "floe_core._discovery",
        ],
    )
    def test_of_the_core_stay_cheap(self, module: str) -> None:
        """Neither pydantic nor the container nor anything else that costs more than the module itself."""
        modules = modules_after(f"import {module}")

        assert module in modules
        assert [] == stray(modules, *HEAVY)

    def test_discovery_on_folders_stays_cheap(self, tmp_path: Path) -> None:
        """Reading plain folders needs no importlib.metadata."""
        install_distribution(tmp_path, "cheap", {PluginType.COMPUTE: {"cheap": "cheap:Plugin"}})
        code = f"""
from floe_core._discovery import discover
from floe_core.discovery_policy import DiscoveryPolicy
found = discover(DiscoveryPolicy(), [{str(tmp_path)!r}])
assert len(found.usable) == 1
"""

        assert [] == stray(modules_after(code), *HEAVY)

    def test_the_first_registry_does_without_pydantics_models(self, tmp_path: Path) -> None:
        """Without settings nothing of the package's own needs them before a plugin is built."""
        modules = {"cheap_plugin": plugin_source(PluginType.COMPUTE, name="cheap")}
        install_distribution(tmp_path, "cheap", {PluginType.COMPUTE: {"cheap": "cheap_plugin:Plugin"}}, modules=modules)
        code = """
# dependency-injector imports these where they are installed, and some of them bring pydantic's models along
sys.modules.update(dict.fromkeys(["fastapi", "fast_depends", "starlette", "pydantic_settings"]))
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
registry = get_registry()
assert "cheap" in registry.list_all()[PluginType.COMPUTE]
assert registry.list(PluginType.COMPUTE)
"""

        first = modules_after(code, tmp_path)
        built = modules_after(f"{code}\nregistry.get(PluginType.COMPUTE, 'cheap')", tmp_path)

        assert [] == stray(first, "pydantic.main", "cheap_plugin")
        assert {"pydantic.main", "cheap_plugin"} <= built

    def test_settings_bring_pydantic(self, tmp_path: Path) -> None:
        """Which shows that the test above can tell."""
        (tmp_path / "floe.toml").write_text("load_timeout = 3")
        code = f"""
import os
sys.modules.update(dict.fromkeys(["fastapi", "fast_depends", "starlette", "pydantic_settings"]))
os.environ["FLOE_SETTINGS"] = {str(tmp_path / "floe.toml")!r}
from floe_core.plugin_registry import get_registry
get_registry()
"""

        assert "pydantic.main" in modules_after(code)
