"""The plugin registry of a data platform. Start at ``floe_core.plugin_registry``."""

import logging

# Whether anything is shown is the application's choice.
logging.getLogger("floe_core").addHandler(logging.NullHandler())
