"""What the tests of the cloud share."""

from datetime import timedelta

import pytest

from shared.adapters import editions


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the change feed however busy this machine is: what is counted depends on it."""
    monkeypatch.setattr(editions, "WAITED_FOR", timedelta(seconds=30))
