"""Read by the type checkers, run by nobody: what the container's providers give, with dependency-injector's own stubs."""

from __future__ import annotations

from typing import assert_type

from floe_containers import PluginContainer
from floe_core.plugin_types import PluginType

container = PluginContainer(settings={"defaults": {"computes": "duckdb"}})
container.registry().get(PluginType.COMPUTE, "duckdb")
container.computes("duckdb").health_check()
container.computes["duckdb"]().startup()
assert_type(container.registry().list_all(), dict[PluginType, list[str]])

container.registry().gett(PluginType.COMPUTE, "duckdb")  # expect: attr-defined, reportAttributeAccessIssue, reportUnknownMemberType
