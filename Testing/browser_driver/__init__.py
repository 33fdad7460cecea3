"""A real browser on a real viewer, for tests, pictures and benchmarks: ``lesion view`` started, Chromium driven, pages looked at."""
