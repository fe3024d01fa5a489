"""A pytest plugin: hypothesis tries the same examples on each mutant, and looks for no simpler one once a test has failed."""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile("mutation", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("mutation")
