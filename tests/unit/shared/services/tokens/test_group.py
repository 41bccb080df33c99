"""Settings describe whose reports of leaked tokens are read."""

import pytest
from msgspec.structs import replace

from shared.composition import create_registry
from shared.domain.errors.requests import Busy
from tests.fakes.secret_scanner import FakeScanner
from tests.support.logs import capture_logs
from tests.support.world import World


async def test_a_scanner_that_does_not_answer_is_logged(world: World) -> None:
    url = {"report_keys_url": "https://scanner.test/keys"}
    settings = world.registry.settings.model_copy(update=url)
    adapters = replace(world.stores, fetcher=FakeScanner(is_down=True))
    _, published = create_registry(settings, adapters).tokens.secret_scanning.reports.scanners
    with capture_logs() as logs, pytest.raises(Busy):
        await published.find("key-1")
    event = {"event": "reports.keys_not_read", "log_level": "warning"}
    assert logs == [{**event, "reason": "nobody answered"}]
