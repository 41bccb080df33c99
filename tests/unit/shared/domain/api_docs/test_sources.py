"""Which files of an archive are sources of a module, and which are too large."""

from shared.domain.api_docs.sources import (
    MAX_MODULE_BYTES,
    MAX_PACKAGE_BYTES,
    MAX_SOURCE_BYTES,
    SourceName,
    select_sources,
    source_names,
)
from shared.domain.archives.manifest import BALA_TOML


def names(entries: list[str]) -> list[tuple[str, str]]:
    return [(each.module, each.path) for each in source_names(entries, "greet")]


def test_sources_of_the_java_layouts_are_in_folders_of_their_modules() -> None:
    entries = [
        "package.json",
        "modules/greet/b.bal",
        "modules/greet/a.bal",
        "modules/greet.sub/x.bal",
        "modules/greet/generated/g.bal",
        "modules/greet/tests/t.bal",
        "modules/greet/resources/x.txt",
        "main.bal",
    ]
    assert names(entries) == [
        ("greet", "a.bal"),
        ("greet", "b.bal"),
        ("greet", "generated/g.bal"),
        ("greet.sub", "x.bal"),
    ]


def test_sources_of_the_go_layout_are_in_the_project_of_the_author() -> None:
    entries = [BALA_TOML, "main.bal", "modules/sub/x.bal", "tests/t.bal", "modules/sub/tests/t.bal"]
    assert names(entries) == [("greet", "main.bal"), ("greet.sub", "x.bal")]


def sources(count: int, module: str = "greet") -> dict[SourceName, int]:
    return {
        SourceName(module, f"{number}.bal", f"{module}/{number}"): MAX_SOURCE_BYTES
        for number in range(count)
    }


def test_a_file_has_at_most_four_mebibytes() -> None:
    [(source, _)] = sources(1).items()
    assert MAX_SOURCE_BYTES == 4 << 20
    assert select_sources({source: MAX_SOURCE_BYTES}) == {}
    assert "file" in select_sources({source: MAX_SOURCE_BYTES + 1})[source]


def test_a_module_has_at_most_twenty() -> None:
    most = MAX_MODULE_BYTES // MAX_SOURCE_BYTES
    refused = select_sources(sources(most + 2))
    assert len(refused) == 2
    assert all("module" in reason for reason in refused.values())


def test_a_package_has_at_most_forty() -> None:
    most = MAX_PACKAGE_BYTES // MAX_SOURCE_BYTES
    many = {
        key: size for name in ("a", "b", "c") for key, size in sources(most // 3 + 1, name).items()
    }
    refused = select_sources(many)
    assert len(refused) == len(many) - most
    assert all("package" in reason for reason in refused.values())
