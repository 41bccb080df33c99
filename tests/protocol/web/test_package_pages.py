"""The pages of a package: content, rights and links."""

import html
import re

import pytest

from functions.web.package.frame import TAB_PAGES
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import COMMIT, fill, publish
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.world import URL, OpenWorld, World, asking

GREET = "/packages/acme/greet"
BESIDE = [key for key in TAB_PAGES if key != "readme"]


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (GREET, GREET),
        (f"{GREET}/1.2.0", GREET),
        ("/packages/ACME/Greet", GREET),
        (f"{GREET}/1.0.0", f"{GREET}/1.0.0"),
        (f"{GREET}/dependencies", f"{GREET}/dependencies"),
    ],
)
async def test_a_page_names_the_address_that_search_engines_keep(
    shelf: World, path: str, canonical: str
) -> None:
    page = Elements.of(await opened(shelf, path))
    [link] = [each for each in page.every("link") if each["rel"] == "canonical"]
    assert link["href"] == URL + canonical


async def test_a_source_repository_that_nothing_proves_is_an_unverified_link(
    own_shelf: World,
) -> None:
    source = "https://github.com/acme/other.git"
    await publish(own_shelf, "acme/claiming:1.0.0", source_repository=source)
    page = Elements.of(await opened(own_shelf, "/packages/acme/claiming"))
    assert "Unverified source link" in page.words
    assert "https://github.com/acme/other" in page.links
    assert "https://github.com/acme/other/issues" in page.links


async def test_a_public_archive_can_be_downloaded_from_its_page(shelf: World) -> None:
    page = Elements.of(await opened(shelf, GREET))
    [download] = [each["href"] for each in page.every("a") if "download" in each]
    answer = await shelf.get(URL + download, headers={"Accept": "*/*"})
    assert answer.status_code in (200, 302)
    secret = await opened(shelf, "/packages/acme/secret", by=shelf.people.mia)
    assert not [each for each in Elements.of(secret).every("a") if "download" in each]


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("", None),
        ("https://example.com/abuse", "https://example.com/abuse"),
        ("mailto:a@example.com", "mailto:a@example.com?subject=Report%20of%20acme/greet%3A1.2.0"),
        ("mailto:a@b.example?cc=c", "mailto:a@b.example?cc=c&subject=Report%20of%20acme/greet"),
    ],
)
async def test_a_package_is_reported_to_the_contact_of_the_operator(
    worlds: OpenWorld, contact: str, link: str | None
) -> None:
    world = await worlds(security_contact=contact)
    await fill(world)
    links = Elements.of(await opened(world, GREET)).links
    found = [each for each in links if each.startswith(("mailto:", "https://example.com"))]
    assert [each.startswith(link or "-") for each in found] == ([True] if link else [])


@pytest.mark.parametrize("tab", BESIDE)
async def test_every_tab_of_every_package_answers(own_shelf: World, tab: str) -> None:
    packages = ("acme/greet/1.2.0", "acme/helper/1.0.0", "other/hostile/1.0.0", "acme/words/1.0.0")
    without_version = ("acme/greet", "acme/greet/latest", "acme/words")
    for each in (*packages, *without_version):
        answer = await opened(own_shelf, f"/packages/{each}/{tab}")
        assert answer.status_code == 200, each


@pytest.mark.parametrize("tab", ["readme", "settings", "docs?module=other", "dependents?page=2"])
async def test_there_is_no_other_tab(shelf: World, tab: str) -> None:
    assert (await opened(shelf, f"{GREET}/1.2.0/{tab}")).status_code == 404


async def test_latest_is_an_address_of_the_latest_release(shelf: World) -> None:
    latest = await opened(shelf, f"{GREET}/latest")
    own = await opened(shelf, GREET)
    assert latest.text.replace(f"{GREET}/latest", GREET) == own.text.replace(
        f"{GREET}/latest", GREET
    )


async def test_a_tab_without_a_version_is_that_of_the_latest_release(shelf: World) -> None:
    page = Elements.of(await opened(shelf, f"{GREET}/dependencies"))
    assert f"{GREET}/1.2.0/files" in page.links
    assert (await opened(shelf, "/packages/acme/none/versions")).status_code == 404
    assert (await opened(shelf, "/packages/acme/secret/versions")).status_code == 404


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["2.0.0-rc.1", "1.2.0", "1.1.0", "1.0.0"]),
        ("filter=1.2", ["1.2.0"]),
        ("filter=v1", ["1.2.0", "1.1.0", "1.0.0"]),
        ("filter=RC", []),
        ("stable=1", ["1.2.0", "1.0.0"]),
        ("filter=2&stable=1", []),
        ("filter=%3Cscript%3E", []),
    ],
)
async def test_versions_are_filtered(shelf: World, query: str, shown: list[str]) -> None:
    answer = await opened(shelf, f"{GREET}/versions?{query}")
    assert re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)', answer.text) == shown
    assert ("No version matches this filter." in answer.text) == (not shown)
    assert "<script>" not in answer.text


async def test_a_filter_of_versions_stays_on_the_next_page(many: World) -> None:
    page = Elements.of(await opened(many, "/packages/acme/many/versions?filter=1.&stable=1"))
    following = "/packages/acme/many/1.10.9/versions?filter=1.&stable=1&page=2"
    assert following in page.links


async def test_of_a_deprecated_package_no_version_is_left(own_shelf: World) -> None:
    words = Package.parse("acme", "words")
    await own_shelf.registry.packages.deprecation.deprecate_package(words, "Old.", by=OPERATOR)
    await publish(own_shelf, "acme/words:1.1.0")
    page = await opened(own_shelf, "/packages/acme/words/versions?stable=1")
    assert "No version matches this filter." in page.text


async def test_the_version_picker_has_latest_and_other_versions(own_shelf: World) -> None:
    for number in range(15):
        await publish(own_shelf, f"acme/many:1.{number}.0")
    page = Elements.of(await opened(own_shelf, "/packages/acme/many/1.0.0/dependencies"))
    picked = [link for link in page.links if re.fullmatch(r".*/many/1\.\d+\.0/dependencies", link)]
    assert "/packages/acme/many/latest" in page.links
    assert "/packages/acme/many/1.14.0/dependencies" in picked
    assert "/packages/acme/many/1.2.0/dependencies" not in picked
    [chosen] = [each for each in page.every("a") if each.get("aria-current") == "true"]
    assert chosen["href"] == "/packages/acme/many/1.0.0/dependencies"


async def test_a_deprecated_release_is_never_marked_as_the_latest(own_shelf: World) -> None:
    words = Coordinate.parse("acme", "words", "1.0.0")
    await own_shelf.registry.packages.deprecation.deprecate(words, "Use greet.", by=OPERATOR)
    for path in ("/packages/acme/words", "/packages/acme/words/versions"):
        badges = re.findall(r'class="badge [a-z]*">([^<]+)', (await opened(own_shelf, path)).text)
        assert "Deprecated" in badges
        assert "Latest" not in badges


@pytest.fixture(scope="module")
async def many(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package of more versions than a page has, which no test changes."""
    world = await shared_worlds()
    world.documents_when_read = False  # No test of it reads the documentation of a version.
    for number in range(110):
        await publish(world, f"acme/many:1.{number // 10}.{number % 10}")
    return world


async def test_versions_are_in_pages_and_in_groups_by_minor_version(many: World) -> None:
    first = await opened(many, "/packages/acme/many/versions")
    second = Elements.of(await opened(many, "/packages/acme/many/versions?page=2"))
    assert "/packages/acme/many/1.10.9" in Elements.of(first).links
    assert re.findall(r'scope="rowgroup">([^<]+)', first.text) == [
        f"1.{n}" for n in range(10, 0, -1)
    ]
    assert "/packages/acme/many/1.0.9" not in Elements.of(first).links
    assert "/packages/acme/many/1.0.9" in second.links


async def test_a_private_dependency_is_shown_to_outsiders_as_missing_here(own_shelf: World) -> None:
    await publish(own_shelf, "other/open:1.0.0", dependencies=["acme/secret:1.0.0"])
    path = "/packages/other/open/1.0.0/dependencies"
    assert "/packages/acme/secret" not in Elements.of(await opened(own_shelf, path)).links
    mia = own_shelf.people.mia
    assert "/packages/acme/secret" in Elements.of(await opened(own_shelf, path, by=mia)).links


async def test_dependents_are_counted_in_their_tab_as_far_as_the_reader_sees_them(
    shelf: World,
) -> None:
    def count(text: str) -> str:
        pattern = r'<dt>Dependents</dt>\n<dd><a [^>]*>(\d+)|Dependents <span class="count">(\d+)'
        return "".join(re.findall(pattern, text)[0])

    for tab in ("", "/dependencies", "/dependents"):
        assert count((await opened(shelf, f"{GREET}{tab}")).text) == "1"
        assert count((await opened(shelf, f"{GREET}{tab}", by=shelf.people.mia)).text) == "2"


async def test_a_reserved_word_has_a_quote_wherever_a_page_prints_an_import(world: World) -> None:
    await world.push(bala("acme/data.table:1.0.0"))
    await world.document()
    for path in ("", "/docs", "?form=markdown", "/docs?form=markdown"):
        answer = await opened(world, f"/packages/acme/data.table/1.0.0{path}")
        assert "import acme/data.'table;" in html.unescape(answer.text), path
        assert "import acme/data.table;" not in answer.text, path


async def test_no_cache_and_no_search_engine_keeps_the_page_of_a_private_package(
    own_shelf: World,
) -> None:
    mia = await signed_in(own_shelf, own_shelf.people.mia)
    answer = await mia.open("/packages/acme/secret")
    assert answer.headers["cache-control"] == "no-store"
    assert 'content="noindex"' in mia.text


async def test_a_change_is_seen_at_once(own_shelf: World) -> None:
    before = await opened(own_shelf, GREET)
    greet = Coordinate.parse("acme", "greet", "1.2.0")
    await own_shelf.registry.packages.deprecation.deprecate(greet, "Use words.", by=OPERATOR)
    after = await opened(own_shelf, f"{GREET}/1.2.0")
    assert "Use words." in after.text
    assert after.headers["etag"] != before.headers["etag"]


async def test_the_markdown_version_has_the_usage_and_the_readme(shelf: World) -> None:
    answer = await opened(shelf, f"{GREET}/1.1.0", accept="text/markdown")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith("# acme/greet 1.1.0\n")
    assert "> Deprecated: Greets nobody; use 1.2.0." in answer.text
    assert "import acme/greet;" in answer.text
    assert answer.text.endswith("The second.\n")
    new = await opened(shelf, GREET, accept="text/markdown")
    assert f"by acme/greet, commit {COMMIT}" in new.text


@pytest.mark.parametrize(
    "path", ["/packages/acme/turned", "/packages/acme/turned/versions", "/compare"]
)
async def test_no_version_of_ballerina_turns_a_line_around(own_shelf: World, path: str) -> None:
    version = "2201.12.0 \u202eliar"
    await publish(own_shelf, "acme/turned:1.0.0", manifest={"ballerina_version": version})
    compared = "?packages=acme/turned,acme/greet" if path == "/compare" else ""
    page = await opened(own_shelf, path + compared)
    assert "2201.12.0 [U+202E]liar" in page.text
    assert "\u202e" not in page.text


async def test_code_of_go_that_runs_in_builds_is_announced(own_shelf: World) -> None:
    await publish(own_shelf, "acme/native:1.0.0", layout=4, entries={"native/a.go": "package a"})
    page = Elements.of(await opened(own_shelf, "/packages/acme/native"))
    assert "During builds It has a compiler plugin or Go code." in " ".join(page.words.split())


async def test_a_release_without_a_readme_says_so_to_programs(own_shelf: World) -> None:
    await publish(own_shelf, "acme/silent:1.0.0", layout=4, readme="")
    twin = await opened(own_shelf, "/packages/acme/silent", accept="text/markdown")
    assert "This version has no readme." in twin.text


async def test_an_author_who_can_pack_a_readme_is_asked_for_one(worlds: OpenWorld) -> None:
    world = await worlds(require_documentation=False)
    await world.push(bala("acme/silent:1.0.0", readme=""))
    page = (await opened(world, "/packages/acme/silent")).text
    assert "Add a README.md to the package and publish a new version." in page


async def test_pictures_and_links_of_a_readme_lead_into_the_archive(shelf: World) -> None:
    page = Elements.of(await opened(shelf, GREET))
    pictures = [each["src"] for each in page.every("img") if "/files/" in each["src"]]
    assert pictures == ["/files/acme/greet/1.2.0/docs/icon.png"]
    assert f"{GREET}/1.2.0/files?path=modules/greet/greet.bal" in page.links
    for address in (*pictures, f"{GREET}/1.2.0/files?path=modules/greet/greet.bal"):
        assert (await opened(shelf, address)).status_code == 200


async def test_a_readme_is_shown_even_where_its_archive_is_lost(own_shelf: World) -> None:
    found = await own_shelf.stores.metadata.find(Coordinate.parse("acme", "greet", "1.2.0"))
    assert found.release is not None
    await own_shelf.stores.archives.delete(found.release.archive_digest, stored_before_ms=2**60)
    page = await opened(own_shelf, GREET)
    assert (page.status_code, "Quickstart" in page.text) == (200, True)
    assert (await opened(own_shelf, f"{GREET}/1.2.0/files")).status_code == 503


@pytest.mark.parametrize(
    ("port", "method", "path"),
    [
        ("search", "search", GREET),
        ("search", "search", f"{GREET}/dependencies"),
        ("documents", "api_docs_record", f"{GREET}/versions"),
    ],
)
async def test_a_page_is_shown_while_a_store_of_its_tabs_does_not_respond(
    worlds: OpenWorld, port: str, method: str, path: str
) -> None:
    fault = Fault(method, Busy(), nth=0)
    world = await worlds(wrap=fault.at(port), host=asking)
    await fill(world)
    world.documents_when_read = False
    fault.nth = fault.calls + 1
    answer = await opened(world, path)
    assert (answer.status_code, fault.calls) == (200, fault.nth)
    tab = "Dependents" if port == "search" else "Files"
    assert not re.search(rf'{tab} <span class="count">', answer.text)
