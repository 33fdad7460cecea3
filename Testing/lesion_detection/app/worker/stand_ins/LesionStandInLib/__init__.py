"""Stands in for a further library of the project that adds kinds of requests of its own."""
