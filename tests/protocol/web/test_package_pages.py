"""The pages of a package: content, rights and links."""

import pytest

from functions.web.package.frame import TABS
from shared.domain.identity import OPERATOR, Principal
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.organizations import domain_record_name, domain_record_text, parse_domain
from shared.domain.packages import Visibility
from shared.domain.rights import Grant
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import COMMIT, publish
from tests.support.page_client import PageClient
from tests.support.world import URL, World

GREET = "/packages/acme/greet"
BESIDE = [key for key, _ in TABS if key != "readme"]


async def test_a_package_shows_its_newest_stable_release(shelf: World) -> None:
    page = Elements.of(await opened(shelf, GREET))
    assert "acme/greet 1.2.0" in page.words
    assert f"{GREET}/1.2.0/versions" in page.links


async def test_the_bare_page_is_what_search_engines_keep(shelf: World) -> None:
    for path in (GREET, f"{GREET}/1.2.0", "/packages/ACME/Greet"):
        page = Elements.of(await opened(shelf, path))
        [canonical] = [each for each in page.every("link") if each["rel"] == "canonical"]
        assert canonical["href"] == URL + GREET


async def test_an_older_release_has_its_own_address_and_leads_to_the_newest(shelf: World) -> None:
    page = Elements.of(await opened(shelf, f"{GREET}/1.0.0"))
    [canonical] = [each for each in page.every("link") if each["rel"] == "canonical"]
    assert canonical["href"] == f"{URL}{GREET}/1.0.0"
    assert "The newest version is 1.2.0." in page.words


async def test_the_first_page_says_who_vouches_for_the_release(shelf: World) -> None:
    page = Elements.of(await opened(shelf, GREET))
    assert "by a job of acme/greet" in " ".join(page.words.split())
    assert COMMIT[:12] in page.words
    assert "https://github.com/acme/greet/actions/runs/32291736541" in page.links
    other = Elements.of(await opened(shelf, f"{GREET}/1.0.0"))
    assert "with an access token of acme" in " ".join(other.words.split())
    assert "no CI system vouches" in other.words


async def test_a_verified_domain_is_shown_and_a_claimed_one_is_not(shelf: World) -> None:
    proving, org, domain = (
        shelf.registry.domain_verification,
        parse_org("acme"),
        parse_domain("acme.example"),
    )
    now_ms = shelf.clock.now_ms()
    by = Principal(id=shelf.people.ann.account.id, grants=(Grant(),), signed_in_ms=now_ms)
    claimed = await proving.claim(org, domain, by=by)
    assert "Verified domain" not in (await opened(shelf, GREET)).text
    text = domain_record_text(claimed.challenge)
    shelf.domain_records.by_name[domain_record_name(domain)] = [text]
    await proving.verify(org, domain, by=by)
    assert f"Verified domain: {domain}" in (await opened(shelf, GREET)).text


async def test_every_way_to_use_it_can_be_copied(shelf: World) -> None:
    page = Elements.of(await opened(shelf, GREET))
    copied = {each["data-copy"] for each in page.every("button") if "data-copy" in each}
    ids = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    assert copied <= ids
    ways = {"import", "dependency", "pull", "settings", "maven", "download"}
    assert {f"use-{way}" for way in ways} | {"digest", "purl"} <= copied
    assert "import acme/greet;" in page.words


async def test_a_tool_says_that_it_runs_and_how_it_is_pulled(shelf: World) -> None:
    page = Elements.of(await opened(shelf, "/packages/acme/helper"))
    assert "bal tool pull helper:1.0.0" in page.words
    assert "it has a compiler plugin" in page.words


@pytest.mark.parametrize("tab", BESIDE)
async def test_every_tab_of_every_package_answers(shelf: World, tab: str) -> None:
    packages = ("acme/greet/1.2.0", "acme/helper/1.0.0", "other/hostile/1.0.0", "acme/words/1.0.0")
    for each in packages:
        answer = await opened(shelf, f"/packages/{each}/{tab}")
        assert answer.status_code == 200, each


async def test_there_is_no_other_tab(shelf: World) -> None:
    for path in (f"{GREET}/1.2.0/readme", f"{GREET}/1.2.0/settings"):
        assert (await opened(shelf, path)).status_code == 404


async def test_versions_are_in_pages(shelf: World) -> None:
    for number in range(60):
        await publish(shelf, f"acme/many:1.{number}.0")
    first = Elements.of(await opened(shelf, "/packages/acme/many/1.0.0/versions"))
    second = Elements.of(await opened(shelf, "/packages/acme/many/1.0.0/versions?page=2"))
    assert "/packages/acme/many/1.59.0" in first.links
    assert "/packages/acme/many/1.9.0" not in first.links
    assert "/packages/acme/many/1.9.0" in second.links


async def test_dependencies_say_which_are_here_and_link_to_those_alone(shelf: World) -> None:
    page = Elements.of(await opened(shelf, f"{GREET}/1.2.0/dependencies"))
    assert "/packages/acme/words" in page.links
    assert not any("ballerina/io" in link for link in page.links)
    assert page.words.count("not in this registry") == 4
    assert page.every("svg")


async def test_a_private_dependency_is_shown_to_outsiders_as_missing_here(shelf: World) -> None:
    await publish(shelf, "other/open:1.0.0", dependencies=["acme/secret:1.0.0"])
    path = "/packages/other/open/1.0.0/dependencies"
    assert "/packages/acme/secret" not in Elements.of(await opened(shelf, path)).links
    mia = shelf.people.mia
    assert "/packages/acme/secret" in Elements.of(await opened(shelf, path, by=mia)).links


async def test_dependents_are_those_that_the_reader_may_see(shelf: World) -> None:
    path = f"{GREET}/1.2.0/dependents"
    page = Elements.of(await opened(shelf, path))
    assert "/packages/other/shop" in page.links
    assert "/packages/acme/secret" not in page.links
    mine = Elements.of(await opened(shelf, path, by=shelf.people.mia))
    assert {"/packages/other/shop", "/packages/acme/secret"} <= set(mine.links)


async def test_dependents_end_where_they_end(shelf: World) -> None:
    answer = await opened(shelf, f"{GREET}/1.2.0/dependents?page=2")
    assert answer.status_code == 404


async def test_only_existing_modules_have_pages(shelf: World) -> None:
    page = Elements.of(await opened(shelf, f"{GREET}/1.2.0/docs?module=greet.formal"))
    assert "Greets people whom one does not know." in page.words
    assert "import acme/greet.formal;" in page.words
    assert (await opened(shelf, f"{GREET}/1.2.0/docs?module=other")).status_code == 404


async def test_statistics_count_what_was_rolled_up(shelf: World) -> None:
    page = Elements.of(await opened(shelf, f"{GREET}/1.2.0/statistics"))
    words = " ".join(page.words.split())
    assert "324 pulls in the last 90 days and 326 ever" in words
    assert len(page.every("svg")) >= 2


async def test_activity_lists_events_newest_first(shelf: World) -> None:
    words = " ".join(Elements.of(await opened(shelf, f"{GREET}/1.2.0/activity")).words.split())
    told = words.partition("What happened")[2]
    places = [told.index(each) for each in ("1.2.0 was published", "1.1.0 was deprecated")]
    assert places == sorted(places)
    assert "Greets nobody; use 1.2.0." in told
    assert told.index("1.1.0 was published") < told.index("1.0.0 was published")


async def test_a_long_activity_is_in_pages(shelf: World) -> None:
    for number in range(60):
        await publish(shelf, f"acme/many:1.{number}.0")
    page = Elements.of(await opened(shelf, "/packages/acme/many/1.0.0/activity?page=2"))
    assert "/packages/acme/many/1.0.0" in page.links
    assert "1.59.0 was published" not in " ".join(page.words.split())


async def test_a_member_sees_private_packages_and_no_cache_stores_them(
    shelf: World,
) -> None:
    mia = await PageClient.of(shelf, shelf.people.mia)
    answer = await mia.open("/packages/acme/secret")
    assert "Only members of acme can see this package" in mia.text
    assert answer.headers["cache-control"] == "no-store"
    assert 'content="noindex"' in mia.text
    assert "/feeds/packages/acme/secret" not in mia.text
    assert (await opened(shelf, "/packages/acme/secret")).status_code == 404


async def test_a_package_that_becomes_private_disappears(shelf: World) -> None:
    secret = Package.parse("acme", "greet")
    await shelf.registry.package_visibility.change(secret, Visibility.PRIVATE, by=OPERATOR)
    assert (await opened(shelf, GREET)).status_code == 404


async def test_an_unchanged_page_is_not_sent_again(shelf: World) -> None:
    first = await opened(shelf, GREET)
    etag = first.headers["etag"]
    again = await shelf.get(URL + GREET, headers={"Accept": "text/html", "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"].startswith("public")


async def test_a_change_is_seen_at_once(shelf: World) -> None:
    before = await opened(shelf, GREET)
    greet = Coordinate.parse("acme", "greet", "1.2.0")
    await shelf.registry.deprecation.deprecate(greet, "Use words.", by=OPERATOR)
    after = await opened(shelf, f"{GREET}/1.2.0")
    assert "Use words." in after.text
    assert after.headers["etag"] != before.headers["etag"]


async def test_the_json_version_has_the_facts(shelf: World) -> None:
    answer = await opened(shelf, GREET, accept="application/json")
    facts = answer.json()
    assert answer.headers["content-type"].startswith("application/json")
    assert "Accept" in answer.headers["vary"]
    assert (facts["name"], facts["version"], facts["newest"]) == ("greet", "1.2.0", "1.2.0")
    assert facts["publishedBy"]["commit"] == COMMIT
    assert facts["source"] == {"url": "https://github.com/acme/greet", "verified": True}
    assert [each["version"] for each in facts["versions"]] == [
        *("2.0.0-rc.1", "1.2.0", "1.1.0", "1.0.0")
    ]
    assert facts["versions"][2]["deprecation"] == "Greets nobody; use 1.2.0."
    token = (await opened(shelf, f"{GREET}/1.0.0", accept="application/json")).json()
    assert token["publishedBy"] == {"means": "stored-token"}
    assert token["source"] is None


async def test_every_link_of_the_json_version_works(shelf: World) -> None:
    facts = (await opened(shelf, GREET, accept="application/json")).json()
    for name, address in (facts["links"] | {"url": facts["url"]}).items():
        assert (await shelf.get(address)).status_code in (200, 302), name


async def test_the_markdown_version_has_the_usage_and_the_readme(shelf: World) -> None:
    answer = await opened(shelf, f"{GREET}/1.1.0", accept="text/markdown")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith("# acme/greet 1.1.0\n")
    assert "> Deprecated: Greets nobody; use 1.2.0." in answer.text
    assert "import acme/greet;" in answer.text
    assert answer.text.endswith("The second.\n")
    new = await opened(shelf, GREET, accept="text/markdown")
    assert f"by acme/greet, commit {COMMIT}" in new.text


async def test_a_release_without_a_readme_says_so(shelf: World) -> None:
    await publish(shelf, "acme/silent:1.0.0", layout=4, readme="")
    assert "has no readme" in (await opened(shelf, "/packages/acme/silent")).text
    twin = await opened(shelf, "/packages/acme/silent", accept="text/markdown")
    assert "This release has no readme." in twin.text


async def test_a_missing_package_is_a_page_for_people_and_a_problem_for_programs(
    shelf: World,
) -> None:
    page = await opened(shelf, "/packages/acme/none")
    assert (page.status_code, "acme/none" in page.text) == (404, True)
    problem = await opened(shelf, "/packages/acme/none", accept="application/json")
    assert problem.status_code == 404
    assert "json" in problem.headers["content-type"]


async def test_pictures_and_links_of_a_readme_lead_into_the_archive(shelf: World) -> None:
    page = Elements.of(await opened(shelf, GREET))
    pictures = [each["src"] for each in page.every("img") if "/files/" in each["src"]]
    assert pictures == ["/files/acme/greet/1.2.0/docs/icon.png"]
    assert f"{GREET}/1.2.0/files?path=modules/greet/greet.bal" in page.links
    for address in (*pictures, f"{GREET}/1.2.0/files?path=modules/greet/greet.bal"):
        assert (await opened(shelf, address)).status_code == 200


async def test_a_readme_is_shown_even_where_its_archive_is_lost(shelf: World) -> None:
    found = await shelf.stores.metadata.find(Coordinate.parse("acme", "greet", "1.2.0"))
    assert found.release is not None
    await shelf.stores.archives.delete(found.release.content, stored_before_ms=2**60)
    page = await opened(shelf, GREET)
    assert (page.status_code, "Quickstart" in page.text) == (200, True)
    assert (await opened(shelf, f"{GREET}/1.2.0/files")).status_code == 404
