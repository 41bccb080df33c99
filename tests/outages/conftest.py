"""The references of the fault table."""

import pytest

from tests.outages.reference_runs import References
from tests.support.world import Template


@pytest.fixture(scope="session")
def references(template: Template, tmp_path_factory: pytest.TempPathFactory) -> References:
    """Return what each scenario does when nothing disturbs it."""
    return References(template, tmp_path_factory.mktemp("places"))
