"""What the tables of packages and releases do beyond the port."""

from pathlib import Path

import pytest

from shared.adapters.embedded import open_embedded
from tests.contract.samples import release
from tests.fakes.clock import FakeClock


async def test_a_release_of_a_package_that_nobody_claimed_is_a_mistake(tmp_path: Path) -> None:
    stores = open_embedded(tmp_path, FakeClock())
    stores.migrate()
    with pytest.raises(LookupError, match="acme/greet"):
        await stores.metadata.add_release(release())
    assert await stores.metadata.releases(release().coordinate.package) == []
    stores.close()
