"""Imports run one way: what stands below knows nothing of what stands above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

BOTTOM = {"plugin_types", "plugin_errors", "plugin_metadata", "plugins", "version_compat"}
"""What a plugin is, and its errors."""

HELPERS = {"_places", "_forking", "_tracing", "_pydantic_plugins"}
"""Small tools of the standard library's kind, free for all above the bottom."""

MECHANISMS: dict[str, set[str]] = {
    "_discovery": {"discovery_policy"},  # which policy decides what is used
    "_loading": {
        "_configuration",
        "_hooks",
    },  # a plugin may want its configuration in the constructor; configure() is a hook
    "_configuration": set(),
    "_ordering": set(),
    "_dependencies": {"_ordering"},  # the graph that it collects has to be free of circles
    "_lifecycle": {"_ordering", "_dependencies", "_hooks"},  # order of starting; why a dependent is not started
    "_health": {"_hooks"},  # checks run on the plugin's own thread
    "_hooks": set(),
    "_exit": set(),
}
"""Each mechanism, with the others that it may import, and why."""


def package_folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def imports_of(module: str, *, late_ones: bool) -> Iterator[str]:
    """The modules that *module* imports when it runs: at its top, or anywhere in it. Not those for type checkers."""
    package, _, name = module.partition(".")
    source = (package_folder(package) / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for alternative in node.orelse:
                yield from walk(alternative)
            return
        yield node
        if not late_ones and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    for node in walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            if node.module in ("floe_core", "floe_containers"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def own(module: str, *, late_ones: bool = True) -> set[str]:
    """The modules of floe_core that *module* imports, without the package's name."""
    found = imports_of(module, late_ones=late_ones)
    return {name.removeprefix("floe_core.") for name in found if name.startswith("floe_core.")}


MODULES = sorted(file.stem for file in package_folder("floe_core").glob("*.py") if not file.stem.startswith("__"))


class TestDirection:
    @pytest.mark.parametrize("module", sorted(BOTTOM))
    def test_types_and_errors_stand_at_the_bottom(self, module: str) -> None:
        """They import one another at most."""
        assert BOTTOM >= own(f"floe_core.{module}")

    @pytest.mark.parametrize("module", sorted(MECHANISMS))
    def test_mechanisms_do_not_import_one_another(self, module: str) -> None:
        """Except where the one is made of the other."""
        assert BOTTOM | HELPERS | MECHANISMS[module] >= own(f"floe_core.{module}")

    @pytest.mark.parametrize("module", sorted(set(MODULES) - {"plugin_registry", "plugin_handle"}))
    def test_nothing_imports_the_registry(self, module: str) -> None:
        """It stands on top; a handle resolves itself by it, late."""
        assert "plugin_registry" not in own(f"floe_core.{module}")

    def test_a_handle_asks_for_the_registry_late(self) -> None:
        """So that the registry can make handles."""
        assert "plugin_registry" not in own("floe_core.plugin_handle", late_ones=False)

    @pytest.mark.parametrize("module", MODULES)
    def test_the_core_does_not_import_the_container_at_its_top(self, module: str) -> None:
        """Nor dependency-injector: only a call of PluginRegistry() or get_registry() does."""
        roots = {name.partition(".")[0] for name in imports_of(f"floe_core.{module}", late_ones=False)}

        assert not roots & {"floe_containers", "dependency_injector"}

    def test_one_module_imports_the_container_late(self) -> None:
        """The way back is one."""
        late = {
            module
            for module in MODULES
            if any(name.startswith("floe_containers") for name in imports_of(f"floe_core.{module}", late_ones=True))
        }

        assert late == {"plugin_registry"}

    def test_the_container_imports_the_core(self) -> None:
        """And is the only one that imports dependency-injector."""
        assert "plugin_registry" in own("floe_containers._container")
        assert "dependency_injector" not in {
            name.partition(".")[0] for module in MODULES for name in imports_of(f"floe_core.{module}", late_ones=True)
        }

    def test_importing_the_registry_is_cheap(self) -> None:
        """At their tops, all that the registry's module imports leaves out the modules that take time."""
        expensive = {"pydantic", "dependency_injector", "packaging", "typing", "importlib.metadata", "inspect"}
        seen: set[str] = set()
        wanted = {"floe_core.plugin_registry"}
        while wanted:
            module = wanted.pop()
            seen.add(module)
            names = set(imports_of(module, late_ones=False))
            wanted |= {name for name in names if name.startswith("floe_core.")} - seen
            assert not names & (expensive - {"inspect"}), module

        assert {"floe_core._loading", "floe_core._dependencies"} <= seen
