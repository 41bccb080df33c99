"""docs/use/trusted-publishing.md: its publishers are read, and its answers have the fields that are
answered.
"""

import json
import re

from shared.domain.trusted_publishing.jobs import ID_CLAIMS
from shared.use_cases.trusted_publishers import NewPublisher
from tests.paths import docs
from tests.support.archives import bala
from tests.support.trusted_publishing import JOBS, trusting
from tests.support.world import URL, OpenWorld

PAGE = docs("use/trusted-publishing")


def blocks(language: str) -> list[str]:
    """Return the blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_publisher_on_the_page_is_one_that_is_read() -> None:
    shown = NewPublisher.model_validate_json(blocks("json")[0])
    assert set(shown.ids) == set(ID_CLAIMS[shown.provider])


def test_the_table_names_every_provider_with_its_ids() -> None:
    for provider in JOBS:
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{provider.value}` |")]
        assert set(re.findall("`(.*?)`", row.split("|")[2])) == set(ID_CLAIMS[provider])


async def test_the_answer_on_the_page_has_the_fields_that_are_answered(worlds: OpenWorld) -> None:
    shown = next(each for each in map(json.loads, blocks("json")) if "publishedBy" in each)
    trust = await trusting(worlds)
    await trust.add()
    job = await trust.job()
    await trust.world.push(bala("acme/greet:1.0.0"), by=job)
    origin = (await trust.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")).json()
    [signature] = shown["signatures"]
    assert set(signature) == set(origin["signatures"][0])
    # Of each release, and of each registry.
    own = {"digest": "", "publishedAt": "", "signatures": [], "provenanceUrl": ""}
    assert shown | own == origin | own
