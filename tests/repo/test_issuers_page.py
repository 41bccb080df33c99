"""docs/use/issuers.md has the claims of the presets, and the pages about CI have the pipelines that
the page "Publish from CI" prints.
"""

import re

import pytest

from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.presets import (
    CI_SYSTEMS,
    OTHER,
    PRESETS,
    PipelineForm,
    Preset,
    preset_of,
)
from shared.use_cases.trusted_publishers import NewPublisher
from tests.paths import docs
from tests.support.pipeline_docs import PAGES, with_pipelines

PAGE = docs("use/issuers")
OF_ISSUERS = [each for each in PRESETS if each.provider is Provider.OIDC]


def section(preset: Preset) -> str:
    title = preset.title if preset.name else "Any other issuer"
    [found] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return found


@pytest.mark.parametrize("preset", [*OF_ISSUERS, OTHER], ids=lambda preset: preset.name)
def test_a_section_has_the_claims_of_its_preset(preset: Preset) -> None:
    text = section(preset)
    assert preset.claims
    for claim in preset.claims:
        assert f"| `{claim.name}` | {claim.meaning}" in text


@pytest.mark.parametrize("form", PipelineForm)
def test_the_pages_about_ci_have_the_pipelines_that_are_printed(form: PipelineForm) -> None:
    text = PAGES[form].read_text("utf-8")
    for system in CI_SYSTEMS:
        assert f"\n## {system.title}\n" in text
    assert text == with_pipelines(text, form), "run python -m tests.support.pipeline_docs"


def test_the_page_about_sigstore_uses_the_actions_of_the_pipeline_of_github() -> None:
    uses = re.compile(r"uses: (\S+)@(\S+)|uses: (\./\S+)")
    of_pipeline = set(uses.findall(PAGES[PipelineForm.STEP].read_text("utf-8")))
    of_page = set(uses.findall(docs("use/sigstore")))
    assert {action for action, *_ in of_page - of_pipeline} == {"actions/attest-build-provenance"}


@pytest.mark.parametrize("preset", OF_ISSUERS, ids=lambda preset: preset.name)
def test_the_table_says_which_claim_is_exact_and_how_often_a_token_is_exchanged(
    preset: Preset,
) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| [{preset.title}]")]
    _, setting, times, exact = (cell.strip() for cell in row.strip("|").split("|"))
    label, _, issuer = setting.strip("`").partition("=")
    assert preset_of(label, issuer) is preset
    assert (times == "one exchange") is not preset.traits.reuses_tokens
    assert set(re.findall("`(.*?)`", exact)) == set(preset.traits.customer_claims)


def test_the_publisher_on_the_page_is_one_that_is_read() -> None:
    [shown] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert NewPublisher.model_validate_json(shown).provider is Provider.OIDC
