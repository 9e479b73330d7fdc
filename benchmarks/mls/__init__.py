"""How long the engine takes: `python -m benchmarks.mls`."""
