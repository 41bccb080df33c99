"""Where only approved releases are taken, no program is told what is not approved: it is in no
list, search, index or feed, and a question about it is refused.

Pages show it, say that it is not approved, and lead to the form that asks for it.
"""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from shared.domain.approved_packages import APPROVALS_PLACE, Approvals
from tests.protocol.host.test_answer_cache import OneMachine
from tests.protocol.mirror.test_approvals import approve
from tests.protocol.rules.rule_world import set_registry_rules
from tests.security.package_probes import OF_CLIENTS, OF_PACKAGE_PAGES, OF_THE_SITE, Seen, seen
from tests.support.documented_packages import documented_bala
from tests.support.mirrors import CAME_THROUGH_HERE, PULL, change
from tests.support.storage import one_machine
from tests.support.upstreams import FakeUpstream, SharedServer
from tests.support.world import BASE, MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured

NAME = "zephyrs"
MARK = "quixotic"  # In its summary, readme and keywords.
CHANGES = f"{URL}/index/changes"
SYMBOLS = f"{BASE}/search-symbols?q={NAME}"

# What tells facts about a release that somebody names, whether they may take it or not: that of
# advisories and of withdrawals is for those who took it earlier, and the rest is what curators and
# those who ask for it read. The tool `check` of agents is one of them.
TELLS_ANYBODY = {
    "api_assessments_list",
    "api_assessments_vex",
    "api_dependencies_check",
    "api_log_proof",
    "api_packages_checklist",
    "api_packages_history",
    "api_provenance_origin",
    "api_provenance_statements",
    "api_releases_rule_findings",
    "api_sbom",
    "api_sbom_author",
    "api_sbom_differences",
}
# Pages of the site that programs read.
READ_BY_PROGRAMS = ("web_feed_package", "web_llms", "web_feed", "web_sitemap")
PROGRAMS = {**OF_CLIENTS, **{n: (OF_PACKAGE_PAGES | OF_THE_SITE)[n] for n in READ_BY_PROGRAMS}}


def archive(version: str) -> bytes:
    return documented_bala(
        f"octo/{NAME}:{version}",
        summary=f"A {MARK} wind",
        readme=f"# {MARK}",
        keywords=[MARK],
        tools=[NAME],
    )


@pytest.fixture
async def limited(worlds: OpenWorld, shared_server: SharedServer) -> AsyncGenerator[World]:
    """Return a mirror that has two releases of an upstream, which are not approved any more."""
    upstream = FakeUpstream()
    versions = ("1.0.0", "2.0.0")
    upstream.archives |= {f"octo/{NAME}:{each}": archive(each) for each in versions}
    with upstream.serving(shared_server):
        world = await worlds(upstream=upstream.url)
        for version in versions:
            answer = await world.get(f"/packages/octo/{NAME}/{version}", headers=PULL)
            assert answer.status_code == 302, answer.text
            await world.get(f"{URL}/2.0/docs/octo/{NAME}/{version}")
            await world.document()
        answer = await world.get(SYMBOLS)
        assert answer.json()["symbols"][0]["version"] == "2.0.0"
        await set_registry_rules(world, approvedOnly=True)
        yield world


async def told(world: World, *functions: str, word: str) -> list[str]:
    """Return the questions to functions whose answers have a word, of those that succeed."""
    found = list[str]()
    for function in functions:
        for probe in PROGRAMS[function]:
            answer = await seen(world, probe.about(NAME, "octo"), None)
            is_told = answer.status < 400 and word.encode() in answer.body
            if is_told and not _refuses(answer) and '"name": "check"' not in probe.body:
                found.append(f"{function}: {probe} {probe.body}: {answer.body[:200]!r}")
    return found


def _refuses(answer: Seen) -> bool:
    """Check whether a face that answers everything with 200 found nothing, and repeats what it was
    asked, or refused."""
    return any(
        each in answer.body
        for each in (
            b'"resolved":[],',
            b'"resolvedModules":[],',
            b"0 packages taken",
            b"<versions/>",
            b'"isError":true',
            b'"errors":[',
            b'"modules":[]',
        )
    )


async def test_no_face_of_a_program_tells_what_is_not_approved(limited: World) -> None:
    asked = [each for each in PROGRAMS if each not in TELLS_ANYBODY]
    told_of = await told(limited, *asked, word=NAME)
    told_of += await told(limited, *asked, word=MARK)
    assert told_of == []
    await approve(limited, f"octo/{NAME}:*")
    telling = {each.partition(":")[0] for each in await told(limited, *asked, word=NAME)}
    assert len(telling) > 25, sorted({*asked} - telling)  # What is looked for would be found.


async def test_programs_are_told_of_the_approved_version_alone(limited: World) -> None:
    """The newest version is the one that others are shown."""
    await approve(limited, f"octo/{NAME}:1.0.0")
    for path in (f"search-packages?q={MARK}", f"packages?q={MARK}", f"tools?q={NAME}"):
        answer = (await limited.get(f"{BASE}/{path}")).json()
        [found] = answer.get("packages") or answer["tools"]
        assert (found["name"], found["version"]) == (NAME, "1.0.0"), path
    assert (await limited.get(f"{BASE}/tools/{NAME}")).json()["version"] == "1.0.0"
    path = f"{MAVEN}/v2201-13-0/__tools__/{NAME}/maven-metadata.xml"
    text = (await limited.get(path)).text
    assert ("1.0.0</version>" in text, "2.0.0" in text) == (True, False)
    suggested = await limited.get(f"{BASE}/search-suggestions?q={NAME}")
    assert suggested.json() == {"suggestions": [f"octo/{NAME}"]}
    # Symbols are those of the newest version.
    assert (await limited.get(SYMBOLS)).json()["symbols"] == []
    changes = (await limited.get(f"{URL}/index/changes")).json()["changes"]
    assert [each["version"] for each in changes] == ["1.0.0"]
    feed = (await limited.get(f"{URL}/feeds/octo/{NAME}.atom")).text
    assert (f"{NAME} 1.0.0" in feed, f"{NAME} 2.0.0" in feed) == (True, False)
    docs = await limited.get(f"{URL}/2.0/docs/octo/{NAME}/2.0.0")
    assert (docs.status_code, "is not approved here" in docs.text) == (400, True)
    assert (await limited.get(f"{URL}/2.0/docs/octo/{NAME}/1.0.0")).status_code == 200
    await approve(limited, f"octo/{NAME}:*")
    assert (await limited.get(SYMBOLS)).json()["count"] > 0


@pytest.mark.parametrize("way", ["header", "list"])
async def test_a_stored_tool_of_which_no_upstream_may_be_asked_is_not_taken_unapproved(
    limited: World, way: str
) -> None:
    headers = CAME_THROUGH_HERE if way == "header" else {}
    if way == "list":
        await change(limited, upstreams="https://other.test")
    for path in ("", "/2.0.0", "/*"):
        answer = await limited.get(f"{BASE}/tools/{NAME}{path}", headers=headers)
        assert answer.status_code in (400, 404), (path, answer.text)
        assert "approved" in answer.text
    await approve(limited, f"octo/{NAME}:1.0.0")
    for path in ("", "/1.0.0", "/*"):
        answer = await limited.get(f"{BASE}/tools/{NAME}{path}", headers=headers)
        assert (answer.status_code, answer.json().get("version")) == (200, "1.0.0"), path
    answer = await limited.get(f"{BASE}/tools/{NAME}/2.0.0", headers=headers)
    assert (answer.status_code, "is not approved here" in answer.text) == (400, True)


async def test_pages_show_symbols_and_names_of_all_packages(limited: World) -> None:
    assert NAME in (await limited.get(f"{URL}/symbols?q={NAME}:Client")).text.partition("<main")[2]
    suggested = await limited.get(f"{URL}/search?q={NAME}&form=suggestions")
    assert suggested.json()[1] == [f"octo/{NAME}"]


@one_machine("only its stores have a data version")
async def test_a_list_made_before_another_process_withdrew_an_approval_is_not_repeated(
    worlds: OpenWorld, shared_server: SharedServer
) -> None:
    upstream = FakeUpstream()
    upstream.archives[f"octo/{NAME}:1.0.0"] = archive("1.0.0")
    with upstream.serving(shared_server):
        world = await worlds(upstream=upstream.url, host=OneMachine)
        await set_registry_rules(world, approvedOnly=True)
        await approve(world, f"octo/{NAME}:1.0.0")
        answer = await world.get(f"/packages/octo/{NAME}/1.0.0", headers=PULL)
        assert answer.status_code == 302, answer.text
        assert NAME in (await world.get(CHANGES)).text
        stored = await world.stores.directory.get(Approvals, APPROVALS_PLACE)
        assert stored
        await world.stores.directory.replace(stored.model_copy(update={"approved": ()}))
        assert NAME in (await world.get(CHANGES)).text  # Of what was read less than 3 s ago.
        world.clock.advance(timedelta(seconds=5))
        assert NAME not in (await world.get(CHANGES)).text
