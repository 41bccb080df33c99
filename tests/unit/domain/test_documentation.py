"""Which texts of a bala are its documentation."""

import pytest

from shared.domain.bala import read_bala
from shared.domain.limits import ArchiveLimits, Documentation
from tests.balas import bala

# In the order in which they count.
PACKAGE_TEXTS = [
    "text.md",
    "docs/README.md",
    "docs/Package.md",
    "docs/modules/greet/README.md",
    "docs/modules/greet/Module.md",
]
MODULE_TEXTS = [
    "docs/sub.md",
    "docs/modules/greet.sub/README.md",
    "docs/modules/greet.sub/Module.md",
]


@pytest.mark.parametrize("first", range(len(PACKAGE_TEXTS)))
def test_the_first_package_text_that_exists_counts(first: int) -> None:
    texts = {name: f"I am {name}." for name in PACKAGE_TEXTS[first:]}
    found = read_bala(
        bala(readme="", manifest={"readme": "text.md"}, entries={**texts, "docs/x.md": "x"})
    )
    assert found.texts.readme == f"I am {PACKAGE_TEXTS[first]}."
    assert found.summary == f"I am {PACKAGE_TEXTS[first]}."


@pytest.mark.parametrize("first", range(len(MODULE_TEXTS) + 1))
def test_the_first_module_text_that_exists_counts(first: int) -> None:
    texts = {name: f"I am {name}." for name in MODULE_TEXTS[first:]}
    modules = [{"name": "greet"}, {"name": "greet.sub", "readme": "docs\\sub.md"}]
    found = read_bala(bala(modules=["sub"], manifest={"modules": modules}, entries=texts))
    expected = f"I am {MODULE_TEXTS[first]}." if texts else ""
    assert found.texts.modules[1].readme == found.texts.modules[1].summary == expected


@pytest.mark.parametrize(
    ("named", "present", "expected"),
    [
        ("docs/hello.md", ["docs/hello.md", "README.md"], "docs/hello.md"),
        ("./README.md", ["README.md", "Package.md"], "README.md"),
        ("missing.md", ["README.md"], "README.md"),
        ("", ["Package.md"], "Package.md"),
    ],
)
def test_layout_4_has_its_text_at_the_root(named: str, present: list[str], expected: str) -> None:
    texts = {name: f"I am {name}." for name in present}
    found = read_bala(bala(layout=4, readme="", manifest={"readme": named}, entries=texts))
    assert found.texts.readme == f"I am {expected}."


def test_layout_4_has_module_texts_beside_their_sources() -> None:
    entries = {"modules/sub/Module.md": "Sub."}
    found = read_bala(bala(layout=4, modules=["sub"], entries=entries))
    assert [(text.name, text.readme) for text in found.texts.modules] == [
        ("greet", ""),
        ("greet.sub", "Sub."),
    ]


def test_a_module_has_its_description_as_summary() -> None:
    modules = [{"name": "greet", "description": "Says hello."}]
    found = read_bala(bala(manifest={"modules": modules}, module_readmes={"greet": "Long."}))
    assert found.texts.modules[0].summary == "Says hello."
    assert found.texts.modules[0].readme == "Long."


def test_only_exported_modules_have_texts() -> None:
    found = read_bala(bala(modules=["sub"], exported=["greet.sub"]))
    assert [text.name for text in found.texts.modules] == ["greet.sub"]


def test_any_markdown_under_docs_is_documentation() -> None:
    entries = {"docs/other.MD": "x", "text.txt": "Hello."}
    found = read_bala(bala(readme="", manifest={"readme": "text.txt"}, entries=entries))
    assert found.texts.readme == "Hello."


def test_the_operator_may_allow_packages_without_documentation() -> None:
    optional = ArchiveLimits(documentation=Documentation.OPTIONAL)
    for readme in ("", " \n"):
        found = read_bala(bala(readme=readme), optional)
        assert (found.texts.readme, found.summary) == (readme, "")


def test_what_is_not_utf_8_in_a_text_is_shown_as_a_sign() -> None:
    found = read_bala(bala(entries={"docs/README.md": b"\xef\xbb\xbfGr\xfc\xdfe"}))
    assert found.texts.readme == "Gr\ufffd\ufffde"
