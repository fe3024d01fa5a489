"""Health: all loaded plugins at once, one deadline over all, and an answer for each whatever it does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import perf_counter

import pytest

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from tests.handmade import Hooked, in_turn
from tests.threads import PATIENCE, Threads, wait_for

COMPUTE = PluginType.COMPUTE


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What hanging checks wait for; set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def healthy() -> HealthStatus:
    return HealthStatus(HealthState.HEALTHY, "fine", {"connections": 3})


class TestHealthCheckAll:
    def test_asks_what_is_loaded_and_adds_how_long_it_took(self, registry: PluginRegistry) -> None:
        """State, message and details are the plugin's own."""
        registry.register(Hooked("a", health_check=healthy))

        [(key, status)] = registry.health_check_all().items()

        assert (
            key,
            status.state,
            status.message,
            status.details["connections"],
        ) == ("COMPUTE:a", HealthState.HEALTHY, "fine", 3)
        assert 0 <= status.details["duration_s"] < PATIENCE

    def test_asks_all_at_once(self, registry: PluginRegistry) -> None:
        """Ten checks that wait for one another all answer."""
        barrier = threading.Barrier(10)
        for index in range(10):
            registry.register(Hooked(f"p{index}", health_check=in_turn(lambda: barrier.wait(PATIENCE), healthy)))

        statuses = registry.health_check_all(timeout=PATIENCE)

        assert {HealthState.HEALTHY} == {status.state for status in statuses.values()}

    def test_two_callers_share_one_check(self, registry: PluginRegistry, hang: threading.Event) -> None:
        """The second gets the answer for which the first is waiting."""
        inside, calls = threading.Event(), list[int]()
        registry.register(
            Hooked("a", health_check=in_turn(lambda: calls.append(1), inside.set, lambda: hang.wait(120), healthy))
        )
        first = Threads(lambda: registry.health_check_all(timeout=PATIENCE))
        wait_for(inside)
        assert HealthState.UNHEALTHY is registry.health_check_all(timeout=0)["COMPUTE:a"].state
        hang.set()

        [statuses] = first.values()
        assert statuses is not None
        assert HealthState.HEALTHY is statuses["COMPUTE:a"].state
        assert calls == [1]

    def test_a_check_waits_while_startup_runs(self, registry: PluginRegistry, hang: threading.Event) -> None:
        """Hooks of one plugin never run two at a time; the message says what keeps the check from beginning."""
        inside = threading.Event()
        registry.register(Hooked("a", startup=in_turn(inside.set, lambda: hang.wait(120))))
        starting = Threads(lambda: registry.activate_all(timeout=600))
        wait_for(inside)

        status = registry.health_check_all(timeout=0.3)["COMPUTE:a"]

        assert HealthState.UNHEALTHY is status.state
        assert "it has not begun, since another hook of this plugin is still running" in status.message
        hang.set()
        starting.values()
        assert HealthState.HEALTHY is registry.health_check_all()["COMPUTE:a"].state

    def test_a_plugin_that_took_over_a_key_is_asked_itself(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """The hung check of the one before it does not answer for it."""
        registry.register(Hooked("a", health_check=in_turn(lambda: hang.wait(120), healthy)))
        assert HealthState.UNHEALTHY is registry.health_check_all(timeout=0.3)["COMPUTE:a"].state
        registry.unregister(COMPUTE, "a")
        registry.register(Hooked("a"))

        assert HealthState.HEALTHY is registry.health_check_all()["COMPUTE:a"].state
        hang.set()
        assert HealthState.HEALTHY is registry.health_check_all()["COMPUTE:a"].state

    def test_fifty_hung_checks_take_one_deadline_together(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """Not fifty of them."""
        for index in range(50):
            registry.register(Hooked(f"p{index}", health_check=in_turn(lambda: hang.wait(120), healthy)))
        begun = perf_counter()

        statuses = registry.health_check_all(timeout=0.5)

        assert 0.5 <= perf_counter() - begun < 6
        assert {HealthState.UNHEALTHY} == {status.state for status in statuses.values()}
        assert all("test_health.py" in status.message for status in statuses.values())
