"""Pipelines on pages are those of the documentation, which other tests run."""

import pytest

from functions.account.trusted_publishers import EXAMPLE_URL, pipeline
from shared.domain.trusted_publishing.jobs import Provider
from tests.paths import ROOT
from tests.support.trusted_publishing import JOBS

PAGE = (ROOT / "docs" / "use" / "trusted-publishing.md").read_text("utf-8")


@pytest.mark.parametrize("provider", JOBS)
def test_the_documentation_shows_the_same(provider: Provider) -> None:
    assert f"\n{pipeline(provider, EXAMPLE_URL, 'acme')}```\n" in PAGE


@pytest.mark.parametrize("provider", JOBS)
def test_it_names_the_registry_and_the_organization(provider: Provider) -> None:
    text = pipeline(provider, "https://other.test", "octo")
    assert '"org":"octo"' in text
    assert EXAMPLE_URL not in text
    assert "acme" not in text
    assert "https://other.test" in text
