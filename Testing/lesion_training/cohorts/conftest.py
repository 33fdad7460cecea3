"""What the tests of cohorts share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("importable")))  # plain_cases.py
