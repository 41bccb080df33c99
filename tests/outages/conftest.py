"""The references of the fault table, and the table that a run ends with."""

import pytest

from tests.crash.fault_report import pytest_terminal_summary
from tests.outages.reference_runs import References
from tests.support.world import Template

__all__ = ["pytest_terminal_summary"]


@pytest.fixture(scope="session")
def references(template: Template, tmp_path_factory: pytest.TempPathFactory) -> References:
    """Return what each use-case does when nothing disturbs it."""
    return References(template, tmp_path_factory.mktemp("places"))
