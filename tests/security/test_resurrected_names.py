"""Repository jacking: a name that was given up, renamed or transferred is somebody else's now.

Organizations, GitHub owners and GitLab groups: who has the name later has nothing of who had it.
"""

import pytest

from shared.domain.trusted_publishing.jobs import Provider
from tests.support.archives import bala
from tests.support.trusted_publishing import TrustedPublishingWorld

# The same names throughout; what differs are the numbers that are never given twice.
TAKEN_OVER: list[tuple[Provider, dict[str, object]]] = [
    (Provider.GITHUB, {"repository_owner_id": "66"}),
    (Provider.GITHUB, {"repository_id": "75"}),
    (Provider.GITHUB, {"repository_id": "75", "repository_owner_id": "66"}),
    (Provider.GITLAB, {"namespace_id": "73"}),
    (Provider.GITLAB, {"project_id": "21", "job_project_id": "21"}),
    (Provider.AZURE_DEVOPS, {"prj_id": "00000000-0000-0000-0000-000000000001"}),
    (Provider.AZURE_DEVOPS, {"def_id": "2"}),
]


@pytest.mark.parametrize(("provider", "numbers"), TAKEN_OVER)
async def test_a_job_with_the_same_names_and_another_number_gets_no_token(
    trust: TrustedPublishingWorld, provider: Provider, numbers: dict[str, object]
) -> None:
    answer = await trust.post(trust.ci.token(provider, **numbers))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "workload-unknown"
    assert "acme" not in answer.text
    assert (await trust.post(trust.ci.token(provider))).status_code == 201


async def test_a_repository_that_is_renamed_goes_on_publishing(
    trust: TrustedPublishingWorld,
) -> None:
    renamed: dict[str, object] = {
        "repository": "octo/hello",
        "repository_owner": "octo",
        "workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1.0.0",
    }
    job = await trust.job(Provider.GITHUB, **renamed)
    await trust.world.push(bala("acme/greet:1.0.0"), by=job)
