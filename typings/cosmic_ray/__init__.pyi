"""The part of cosmic-ray 8 that tests/mutation uses; it carries no types of its own."""
