"""The manual: what becomes of the pages of `docs/`."""

import re
from html import unescape
from pathlib import Path

import pytest

from shared.prose.manual import EXAMPLE_ADDRESSES, FILES, GROUPS, ManualPage, page_name, read_manual
from tests.paths import ROOT

ADDRESS = "https://packages.acme.test"
CLONE = ".venv/bin/ballroom"
MANUAL = read_manual(ADDRESS, CLONE)
# Hosts of examples that are no registry.
OTHER_HOSTS = {
    "nexus.example.com",
    "proxy.example.com",
    "git.example.org",
    "jenkins.example.org",
    "oidc.cluster.example.org",
    "forgejo.example.org",
    "oidc.example.org",
    "siem.example.org",
    "witness.example.org",
    "other.example.org",
    "track.example.org",
    "mirror.example.org",
    "rdap.example.org",
    "hooks.example.org",
}


def test_the_manual_has_the_pages_for_people_who_publish_and_for_operators() -> None:
    docs = ROOT / "docs"
    for folder in ("use", "run"):
        pages = {each.relative_to(docs).as_posix() for each in (docs / folder).rglob("*.md")}
        lists = {each for each in pages if each.endswith("README.md")}
        assert {each for each in FILES if each.startswith(f"{folder}/")} == pages - lists


def test_readers_come_before_operators() -> None:
    folders = [each.partition("/")[0] for each in FILES]
    assert folders.index("run") > max(at for at, each in enumerate(folders) if each != "run")


def test_every_page_says_what_it_is_about() -> None:
    assert [page.name for page in MANUAL.pages if len(page.summary) < len("The format")] == []


def test_each_page_has_a_name_without_a_slash() -> None:
    names = [page_name(file) for file in FILES]
    assert len({*names}) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z-]+", name)] == []
    assert page_name("reference/protocols/maven.md") == "maven-protocol"
    assert [group for group, _ in MANUAL.groups] == [group for group, _ in GROUPS]


@pytest.mark.parametrize("page", MANUAL.pages, ids=lambda page: page.name)
def test_a_page_has_the_address_of_this_registry_and_no_other(page: ManualPage) -> None:
    text = page.markdown
    html = page.render()
    for example in EXAMPLE_ADDRESSES:
        assert not re.search(rf"{re.escape(example)}(?![\w.:-])", text + html)
    hosts = set(re.findall(r"https?://([\w.-]*example\.(?:org|com))", text))
    assert hosts <= OTHER_HOSTS


def test_commands_are_those_of_how_the_registry_was_installed() -> None:
    for program in (CLONE, "ballroom", "docker exec ballroom ballroom"):
        texts = {page.name: page.markdown for page in read_manual(ADDRESS, program).pages}
        assert f"{program} account add kim" in texts["clients"]
        assert f"`{program} signin-link NAME`" in texts["sign-in"]


@pytest.mark.parametrize("page", MANUAL.pages, ids=lambda page: page.name)
def test_a_page_is_complete(page: ManualPage) -> None:
    text = page.markdown
    html = page.render()
    assert 'class="cut"' not in html
    fenced = re.findall(r"^ *```.*?^ *```$", text, re.MULTILINE | re.DOTALL)
    assert html.count("<pre") >= len(fenced)
    assert html.count("<h1") == 0
    assert "<img" not in html, "the manual serves no pictures"


_ENDS_A_LINE = re.compile(r"</(?:p|li|h\d|td|th|pre)>|<br>")


def _words(html: str) -> str:
    without_anchors = re.sub(r'<a class="anchor".*?</a>', "", html, flags=re.DOTALL)
    separated = _ENDS_A_LINE.sub(" ", without_anchors)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", separated)).split())


@pytest.mark.parametrize("page", MANUAL.pages, ids=lambda page: page.name)
def test_sections_have_the_words_and_the_ids_of_the_page(page: ManualPage) -> None:
    beginning, *parts = re.split(r'(?=<h2 id=")', page.render())
    shown = [("", "", _words(beginning))]
    for part in parts:
        heading = re.match(r'<h2 id="([^"]+)">(.*?)</h2>', part, re.DOTALL)
        assert heading
        shown.append((heading[1], _words(heading[2]), _words(part[heading.end() :])))
    assert [(each.id, each.title, each.text) for each in page.sections] == shown


def test_a_link_named_for_a_file_has_the_title_of_its_page() -> None:
    page = MANUAL.page("clients")
    assert page
    assert re.search(r'<a href="/docs/limits"[^>]*>Limits</a>', page.render())


def test_a_link_to_another_file_of_the_repository_is_plain() -> None:
    page = MANUAL.page("limits")
    assert page
    assert not re.search(r'href="[^"]*\.md', page.render())


def test_comments_in_code_keep_their_signs(tmp_path: Path) -> None:
    for file in FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("# Title\n\nText.\n\n## Part\n\n```sh\n## a comment\n```\n")
    page = read_manual(ADDRESS, CLONE, folder=tmp_path).page("clients")
    assert page
    assert "## a comment" in re.sub(r"<[^>]*>", "", page.render())
    assert '<h2 id="part">' in page.render()
    assert page.summary == "Text"
