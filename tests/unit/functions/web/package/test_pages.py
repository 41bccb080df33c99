"""Groups of versions on the page that lists them."""

from functions.web.package.pages import groups_of
from tests.support.surveys import survey


def test_versions_are_grouped_by_minor_version() -> None:
    entries = survey("1.10.0", "1.2.1", "1.2.0", "1.2.0-rc.1", "0.2.0").entries
    groups = {each.name: [entry.version for entry in each.entries] for each in groups_of(entries)}
    assert groups == {"1.10": ["1.10.0"], "1.2": ["1.2.1", "1.2.0", "1.2.0-rc.1"], "0.2": ["0.2.0"]}
