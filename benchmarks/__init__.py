"""What the registry costs, beside others that do the same work. Run as ``python -m benchmarks``."""
