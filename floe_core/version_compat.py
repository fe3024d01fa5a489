"""The version of the plugin API, and which plugins fit it."""

from __future__ import annotations

import re

__all__ = ["FLOE_PLUGIN_API_MIN_VERSION", "FLOE_PLUGIN_API_VERSION", "is_compatible", "parse_api_version"]

FLOE_PLUGIN_API_VERSION: str = "1.0"
"""The plugin API that this platform provides."""

FLOE_PLUGIN_API_MIN_VERSION: str = "1.0"
"""The oldest plugin API that the registry still accepts."""

_API_VERSION = re.compile(r"([0-9]+)\.([0-9]+)(?:\.[0-9]+)?")


def parse_api_version(version: str) -> tuple[int, int]:
    """
    Read ``X.Y`` or ``X.Y.Z`` as ``(X, Y)``; the patch part says nothing about compatibility.

    Raises:
        ValueError: It is anything else, a value that is no string included.

    """
    is_text = isinstance(version, str)  # pyright: ignore[reportUnnecessaryIsInstance]  # plugins state anything
    match = _API_VERSION.fullmatch(version) if is_text else None
    if match is None:
        raise ValueError(f"{version!r} is no API version; write X.Y, such as {FLOE_PLUGIN_API_VERSION!r}")
    return int(match[1]), int(match[2])


def is_compatible(plugin_api_version: str, platform_api_version: str) -> bool:
    """
    Whether a plugin written for one API version works on a platform that provides another.

    The major versions must be the same, and the plugin's minor version not above the platform's.

    Raises:
        ValueError: One of the two is not ``X.Y`` or ``X.Y.Z``.

    """
    plugin_major, plugin_minor = parse_api_version(plugin_api_version)
    platform_major, platform_minor = parse_api_version(platform_api_version)
    return plugin_major == platform_major and plugin_minor <= platform_minor
