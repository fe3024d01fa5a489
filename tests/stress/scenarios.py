"""One round of each scenario. A scenario returns how many faults it injected, and raises AssertionError on a violation."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from floe_containers import PluginContainer
from floe_core.plugin_errors import CircularDependencyError, PluginError
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginState, PluginType
from floe_core.testing.distributions import install_distribution, plugin_source
from tests.handmade import Hooked
from tests.threads import PATIENCE, Threads

COMPUTE = PluginType.COMPUTE

Scenario = Callable[[PluginRegistry, random.Random], int]


def install(site: Path) -> None:
    """The plugins of all scenarios: eight sound ones, two that get one another, one that fails at every other load."""
    gets = "from floe_core.plugin_types import PluginType\nimport stress_hooks\n"
    for index in range(8):
        needs = [f"p{index - 1}"] if index % 4 else []
        _install(site, f"p{index}", plugin_source(COMPUTE, name=f"p{index}", dependencies=needs))
    for name, other in (("left", "right"), ("right", "left")):
        body = f"def __init__(self):\n    stress_hooks.meet()\n    stress_hooks.registry.get(PluginType.COMPUTE, {other!r})"
        _install(site, name, plugin_source(COMPUTE, name=name, prologue=gets, body=body))
    flaky = "def __init__(self):\n    stress_hooks.loads += 1\n    if stress_hooks.loads % 2: raise OSError('every other time')"
    _install(site, "flaky", plugin_source(COMPUTE, name="flaky", prologue=gets, body=flaky))
    hooks = "loads, registry, barrier = 0, None, None\ndef meet():\n    if barrier is not None: barrier.wait(60)\n"
    (site / "stress_hooks.py").write_text(hooks, encoding="utf-8")


def _install(site: Path, name: str, code: str) -> None:
    install_distribution(
        site, f"stress-{name}", {COMPUTE: {name: f"stress_{name}:Plugin"}}, modules={f"stress_{name}": code}
    )


def fresh_registry() -> PluginRegistry:
    registry = PluginContainer().registry()
    registry.discover_all()
    return registry


def racing_gets(registry: PluginRegistry, chance: random.Random) -> int:
    """Eight threads get eight plugins in eight orders: each is one instance."""

    def get_all(order: list[int]) -> list[int]:
        plugins = {index: id(registry.get(COMPUTE, f"p{index}")) for index in order}
        return [plugins[index] for index in range(8)]

    orders = [chance.sample(range(8), 8) for _ in range(8)]
    results = Threads(*[partial(get_all, order) for order in orders]).values()
    assert len({tuple(result or ()) for result in results}) == 1, "a plugin was built twice"
    return 0


def circles(registry: PluginRegistry, _: random.Random) -> int:
    """Two threads inside two constructors that get one another: both are refused, neither hangs."""
    hooks: Any = sys.modules.get("stress_hooks") or __import__("stress_hooks")
    hooks.registry, hooks.barrier = registry, threading.Barrier(2)
    done = Threads(*[lambda name=name: registry.get(COMPUTE, name) for name in ("left", "right")]).join()
    hooks.barrier = None
    kinds = [type(error) for error in done.errors]
    assert kinds == [CircularDependencyError] * 2, f"a circle ended in {kinds}"
    return 1


def failing_loads(registry: PluginRegistry, _: random.Random) -> int:
    """A load that fails every other time: who waits shares the failure, and the next get works."""
    hooks: Any = sys.modules.get("stress_hooks") or __import__("stress_hooks")
    hooks.loads = 0
    done = Threads(*[lambda: registry.get(COMPUTE, "flaky")] * 4).join()
    assert all(error is None or isinstance(error, PluginError) for error in done.errors), done.errors
    plugin = registry.get(COMPUTE, "flaky")
    assert {id(plugin)} >= {id(result) for result in done.results if result is not None}, "two instances"
    return 1


def starts_against_stops(registry: PluginRegistry, chance: random.Random) -> int:
    """Four threads start and stop a chain: hooks alternate, and nothing is up on top of what is not."""
    lock = threading.Lock()
    up: set[str] = set()
    violations: list[str] = []

    def started(name: str, needs: str | None) -> None:
        with lock:
            if name in up:
                violations.append(f"{name} was started twice")
            if needs and needs not in up:
                violations.append(f"{name} was started on top of {needs}, which is down")
            up.add(name)

    def stopped(name: str) -> None:
        with lock:
            if name not in up:
                violations.append(f"{name} was stopped without a start")
            up.discard(name)
            if above := [other for other in up if other.startswith("s") and int(other[1:]) > int(name[1:])]:
                violations.append(f"{name} was stopped under {above}")

    for index in range(4):
        needs = [f"s{index - 1}"] if index else []
        startup = partial(started, f"s{index}", needs[0] if needs else None)
        registry.register(Hooked(f"s{index}", *needs, startup=startup, shutdown=partial(stopped, f"s{index}")))

    def act(seed: int) -> None:
        luck = random.Random(seed)
        for _ in range(5):
            name, timeout = f"s{luck.randrange(4)}", luck.choice([30.0, None])
            with suppress(PluginError):  # refused because of what another thread is doing
                luck.choice([registry.activate_plugin, registry.shutdown_plugin])(COMPUTE, name, timeout)

    Threads(*[partial(act, chance.randrange(1 << 32)) for _ in range(4)]).values()
    assert {None} >= {*registry.shutdown_all().values()}
    assert not up, f"{up} is still up"
    assert not violations, violations
    return 0


def overrides(registry: PluginRegistry, chance: random.Random) -> int:
    """Four threads open and close overlapping overrides in any order; in the end the real plugin shows."""
    real = registry.get(COMPUTE, "p0")

    def act(seed: int) -> None:
        luck = random.Random(seed)
        with ExitStack() as stack:
            scopes = [registry.override(COMPUTE, "p0", Hooked("p0")) for _ in range(4)]
            for scope in scopes:
                stack.enter_context(scope)
                assert registry.get(COMPUTE, "p0") is not real
        for scope in luck.sample([registry.override(COMPUTE, "p0", Hooked("p0")) for _ in range(4)], 4):
            with scope:
                registry.list(COMPUTE)

    Threads(*[partial(act, chance.randrange(1 << 32)) for _ in range(4)]).values()
    assert registry.get(COMPUTE, "p0") is real, "an override outlived its scope"
    return 0


def registrations(registry: PluginRegistry, _: random.Random) -> int:
    """Four threads register and remove one name: one at a time has it, and nothing is left behind."""
    holders = threading.Semaphore(1)

    def act() -> None:
        for _ in range(5):
            try:
                registry.register(Hooked("hand"))
            except PluginError:
                continue
            assert holders.acquire(blocking=False), "two threads registered one name"
            registry.get(COMPUTE, "hand")
            holders.release()
            registry.unregister(COMPUTE, "hand")

    Threads(*[act] * 4).values()
    assert "hand" not in registry.list_all()[COMPUTE]
    return 0


def hangs(registry: PluginRegistry, _: random.Random) -> int:
    """A startup and a health check that hang are given up on; the rest goes on, and the late ones come back."""
    hang, stopped = threading.Event(), threading.Event()
    registry.register(Hooked("hung", startup=lambda: hang.wait(PATIENCE), shutdown=stopped.set))
    registry.register(Hooked("mute", health_check=lambda: (hang.wait(PATIENCE), Hooked("").health_check())[1]))
    outcomes = registry.activate_all(timeout=0.2)
    assert outcomes["COMPUTE:hung"] is not None
    statuses = registry.health_check_all(timeout=0.2)
    assert statuses["COMPUTE:mute"].state is HealthState.UNHEALTHY
    hang.set()
    assert stopped.wait(PATIENCE), "a late startup was not undone"
    registry.shutdown_all()
    return 2


def forks(registry: PluginRegistry, _chance: random.Random) -> int:
    """A child forked while others get and start: nothing is active there, and a plugin starts and stops."""
    registry.get_all(COMPUTE)
    registry.activate_plugin(COMPUTE, "p3")
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            registry.activate_plugin(COMPUTE, "p7")
            registry.shutdown_plugin(COMPUTE, "p7")
            registry.health_check_all()

    churning = Threads(churn, churn)
    try:
        for _ in range(3):
            pid = os.fork()
            if not pid:
                os._exit(_in_the_child(registry))
            _pid, status = os.waitpid(pid, 0)
            assert status == 0, f"a forked child ended with {status}"
    finally:
        stop.set()
    churning.join()
    assert registry.state(COMPUTE, "p3") is PluginState.ACTIVE
    registry.shutdown_all()
    return 3


def _in_the_child(registry: PluginRegistry) -> int:
    import faulthandler

    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    try:
        assert registry.shutdown_all() == {}
        registry.activate_plugin(COMPUTE, "p3")
        assert registry.health_check_all()["COMPUTE:p3"].state is HealthState.HEALTHY
        assert {None} == {*registry.shutdown_all().values()}
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0


SCENARIOS: list[Scenario] = [
    racing_gets,
    circles,
    failing_loads,
    starts_against_stops,
    overrides,
    registrations,
    hangs,
    forks,
]
