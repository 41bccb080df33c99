"""The references of the fault table."""

import pytest

from tests.outages.reference_runs import CloudReferences
from tests.support.world import Template


@pytest.fixture(scope="session")
def references(template: Template, tmp_path_factory: pytest.TempPathFactory) -> CloudReferences:
    """Return what each scenario does when nothing disturbs it."""
    return CloudReferences(template, tmp_path_factory.mktemp("places"))
