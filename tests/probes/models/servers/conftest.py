"""Every test of a server has a key."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _key(key: None) -> None:
    """Sets the key."""
