"""The concurrency scenarios, again and again for a bounded time: ``python -m tests.stress --seconds 120``."""
