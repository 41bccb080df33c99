"""What the tests of the cloud share."""

from datetime import timedelta

import pytest

from shared.adapters.cosmos import change_feed


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the change feed however busy this machine is: what is counted depends on it."""
    monkeypatch.setattr(change_feed, "WAITED_FOR", timedelta(seconds=30))
