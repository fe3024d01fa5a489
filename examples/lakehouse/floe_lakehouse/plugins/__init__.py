"""
One module per plugin, named after its type and its name.

Each imports its library at the top, as any module does. That costs nothing until the plugin is used: the registry finds
plugins by their entry points and imports a module when someone asks for its plugin.
"""

from __future__ import annotations
