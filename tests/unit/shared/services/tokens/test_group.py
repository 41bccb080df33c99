"""Settings describe whose reports of leaked tokens are read."""

from shared.auth.secret_scanning import ConfiguredScannerKeys, FetchedScannerKeys
from shared.composition import create_registry
from tests.support.world import World


async def test_published_keys_of_scanners_are_fetched_where_settings_name_them(
    world: World,
) -> None:
    configured = world.registry.tokens.secret_scanning.reports.scanners
    assert [type(each) for each in configured] == [ConfiguredScannerKeys]
    url = {"report_keys_url": "https://scanner.test/keys"}
    settings = world.registry.settings.model_copy(update=url)
    scanners = create_registry(settings, world.stores).tokens.secret_scanning.reports.scanners
    assert [type(each) for each in scanners] == [ConfiguredScannerKeys, FetchedScannerKeys]
