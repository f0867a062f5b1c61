"""Benchmarks: what the collection costs, measured beside what one would use without it."""
