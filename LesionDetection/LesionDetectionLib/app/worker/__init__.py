"""A long-lived child process that detects and measures, and its client: the user interface never waits."""
