"""The plugin registry of a data platform. Start at :mod:`floe_core.plugin_registry`."""

import logging

logging.getLogger("floe_core").addHandler(logging.NullHandler())  # whether anything is shown is the application's choice
