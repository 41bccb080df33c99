"""Which files of an archive are sources of a module, and which are too large."""

from shared.domain.api_docs.release import source_names
from shared.domain.archives.manifest import BALA_TOML


def names(entries: list[str]) -> list[tuple[str, str]]:
    return [(each.module, each.path) for each in source_names(entries, "greet")]


def test_sources_of_the_java_layouts_are_in_folders_of_their_modules() -> None:
    own = ["b.bal", "a.bal", "generated/g.bal", "tests/t.bal", "resources/x.txt"]
    others = ["package.json", "modules/greet.sub/x.bal", "main.bal"]
    assert names([*(f"modules/greet/{each}" for each in own), *others]) == [
        ("greet", "a.bal"),
        ("greet", "b.bal"),
        ("greet", "generated/g.bal"),
        ("greet.sub", "x.bal"),
    ]


def test_sources_of_the_go_layout_are_in_the_project_of_the_author() -> None:
    entries = [BALA_TOML, "main.bal", "modules/sub/x.bal", "tests/t.bal", "modules/sub/tests/t.bal"]
    assert names(entries) == [("greet", "main.bal"), ("greet.sub", "x.bal")]
