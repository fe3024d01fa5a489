"""A bench for broken plugins: a good neighbour beside each, a secret in its configuration, and what must always hold."""

from __future__ import annotations

import importlib
import json
import logging
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from floe_containers import PluginContainer
from floe_core.plugin_errors import PluginError, PluginErrorGroup
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.registry_report import CandidateReport, PluginReport
from floe_core.testing.distributions import InstalledDistribution, install_distribution, plugin_source

COMPUTE, CATALOG = PluginType.COMPUTE, PluginType.CATALOG
BAD = PluginKey(COMPUTE, "bad")
GOOD = PluginKey(CATALOG, "good")
SECRET = "s3cr3t-Zx9-hunter2"
VERSION = "2.3.4"


@dataclass
class Bench:
    """
    One registry on a folder of distributions, with one good plugin and, soon, a bad one.

    ``COMPUTE:bad`` of ``acme-broken`` 2.3.4 is configured with a secret in the settings; ``CATALOG:good`` of
    ``honest-neighbour`` must come through everything.
    """

    site: Path
    caplog: pytest.LogCaptureFixture
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    errors: list[BaseException] = field(default_factory=list[BaseException])
    _registry: PluginRegistry | None = None

    @property
    def registry(self) -> PluginRegistry:
        """Made at the first use, so that what is installed before is found."""
        if self._registry is None:
            importlib.invalidate_caches()
            self._registry = PluginContainer(settings=self.settings).registry()
            self._registry.discover_all()
        return self._registry

    @property
    def signals(self) -> types.ModuleType:
        """A module that plugins and tests share: ``import signals`` in a plugin; events and lists go here."""
        return sys.modules["signals"]

    def install(
        self,
        name: str,
        entry_points: Mapping[PluginType | str, Mapping[str, str]] | str | bytes | None,
        **options: Any,
    ) -> InstalledDistribution:
        return install_distribution(self.site, name, entry_points, **options)

    def install_bad(self, source: str | None = None, **options: Any) -> InstalledDistribution:
        """The bad plugin: *source* is its whole module, else *options* go to :func:`plugin_source`."""
        code = plugin_source(COMPUTE, name="bad", **options) if source is None else source
        entry_points: dict[PluginType | str, dict[str, str]] = {COMPUTE: {"bad": "acme_broken:Plugin"}}
        return self.install("acme-broken", entry_points, version=VERSION, modules={"acme_broken": code})

    def install_plugin(self, key: PluginKey, **options: Any) -> InstalledDistribution:
        """Another plugin, in a distribution and module named after it."""
        name = f"other_{key.name}"
        code = plugin_source(key.plugin_type, name=key.name, **options)
        return self.install(name, {key.plugin_type: {key.name: f"{name}:Plugin"}}, modules={name: code})

    def expects(self, *kinds: type[BaseException]) -> Any:
        """As pytest.raises; the error is searched for secrets later."""
        return _Expected(self, kinds)

    def get_fails(self, *kinds: type[PluginError]) -> Any:
        """The error of getting the bad plugin."""
        with self.expects(*kinds) as caught:
            self.registry.get(*BAD)
        return caught.value

    def report(self, key: PluginKey = BAD) -> PluginReport:
        return next(plugin for plugin in self.registry.report().plugins if plugin.key == str(key))

    def unused(self) -> list[CandidateReport]:
        return [*self.registry.report().unused]

    def assert_reported(self, state: str, *words: str) -> PluginReport:
        """The report names the bad plugin's state, distribution, version and path, and *words* in reason or causes."""
        report = self.report()
        assert (str(BAD), state, "acme-broken", VERSION) == (
            report.key,
            report.state,
            report.distribution,
            report.version,
        )
        assert str(self.site / f"acme_broken-{VERSION}.dist-info") == report.path
        told = "\n".join([report.reason, *report.causes])
        for word in words:
            assert word in told
        return report

    def assert_contained(self) -> None:
        """The neighbour lives its whole life, and the secret stands in nothing that was written."""
        if "hang" in self.signals.__dict__:
            self.signals.hang.set()  # no check that hangs keeps the next one waiting
        plugin = self.registry.get(*GOOD)
        assert plugin.name == "good"
        assert [listed.name for listed in self.registry.list(CATALOG) if listed.name == "good"] == ["good"]
        self.registry.activate_plugin(*GOOD)
        assert HealthState.HEALTHY is self.registry.health_check_all()[str(GOOD)].state
        assert self.registry.report().plugins
        self.registry.shutdown_plugin(*GOOD)
        assert SECRET not in self.written()

    def written(self) -> str:
        """Everything that the registry wrote so far: report, log, texts and representations of errors."""
        told = [json.dumps(self.registry.report().to_dict()), repr(self.registry.report()), self.caplog.text]
        for error in _with_parts(self.errors):
            told += [str(error), repr(error)]
            if isinstance(error, BaseExceptionGroup):
                continue  # its parts come on their own
            own = traceback.TracebackException.from_exception(error, capture_locals=False)
            own.__cause__ = None  # the plugin's own error keeps its own text
            told.append("".join(own.format()))
        told += [repr(record.__dict__) for record in self.caplog.records]
        return "\n".join(told)


class _Expected:
    def __init__(self, bench: Bench, kinds: tuple[type[BaseException], ...]) -> None:
        self._bench = bench
        self._raises = pytest.raises(kinds)

    def __enter__(self) -> pytest.ExceptionInfo[BaseException]:
        self._caught = self._raises.__enter__()
        return self._caught

    def __exit__(self, *details: Any) -> bool:
        expected = bool(self._raises.__exit__(*details))
        if expected:
            self._bench.errors.append(self._caught.value)
        return expected


def _with_parts(errors: list[BaseException]) -> Iterator[BaseException]:
    for error in errors:
        yield error
        if isinstance(error, PluginErrorGroup):
            yield from _with_parts([*error.exceptions])


@pytest.fixture
def bench(site: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Bench:
    caplog.set_level(logging.DEBUG)
    signals = types.ModuleType("signals")
    signals.__dict__["calls"] = []
    monkeypatch.setitem(sys.modules, "signals", signals)
    bench = Bench(site, caplog, {"plugins": {"computes": {"bad": {"token": SECRET}}}})
    code = plugin_source(CATALOG, name="good")
    bench.install("honest-neighbour", {CATALOG: {"good": "honest:Plugin"}}, modules={"honest": code})
    return bench


@pytest.fixture
def elapsed() -> Callable[[], float]:
    """Seconds since the test began."""
    begun = perf_counter()
    return lambda: perf_counter() - begun
