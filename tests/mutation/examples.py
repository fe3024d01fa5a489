"""A pytest plugin for the tests on a mutant: the same examples on each, and no time lost once something is wrong."""

from __future__ import annotations

from hypothesis import Phase, settings

from tests import threads

threads.PATIENCE = 10.0
settings.register_profile("mutation", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("mutation")
