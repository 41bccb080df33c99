"""What is read out of a bala, in every layout."""

import io
import json
import random
import tracemalloc
import zipfile
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.archives.bala import Bala, read_bala, require_coordinate
from shared.domain.archives.digests import Digest
from shared.domain.archives.limits import KIB, MIB, ArchiveLimits, Documentation
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.errors.base import BadArchive
from shared.domain.packages import Dependency, Graalvm, ModuleText, Texts
from shared.domain.principals import Principal
from shared.domain.releases import new_release
from shared.domain.visibility import Visibility
from tests.support.archives import Spec, bala, files, zipped
from tests.support.refusals import raises_refusal

GREET = "acme/greet:1.0.0"
NO_DOCUMENTATION = ArchiveLimits(documentation=Documentation.OPTIONAL)
ICON = b"\x89PNG\r\n\x1a\n"

EVERY_FACT: dict[str, Any] = {
    "platform": "java21",
    "dependencies": ["acme/x:1.0.0", "acme/y:2.0.0"],
    "transitive": {"acme/x:1.0.0": ["acme/z:0.1.0"]},
    "modules": ["sub"],
    "keywords": ["hello", "world"],
    "licenses": ["Apache-2.0"],
    "authors": ["Ann\n\tof \x00Acme", "Bob"],
    "source_repository": "https://example.org/greet",
    "summary": "Says hello.",
    "readme": "# Greet\n",
    "module_readmes": {"greet.sub": "The sub module.\n"},
    "visibility": "private",
    "icon": ICON,
    "template": True,
    "tools": ["greet"],
    "compiler_plugin": "acme.Plugin",
    "sbom": b"{}",
}


def read(**spec: Any) -> Bala:
    """Return what is read of a built bala, with documentation or without."""
    return read_bala(bala(GREET, **spec), NO_DOCUMENTATION)


def facts_of(found: Bala) -> tuple[str, ...]:
    """Return what is said of a package in every layout, without its texts and its form."""
    of_form = {"digest", "entries_hash", "size_bytes", "layout", "bala_version", "icon"}
    of_form |= {"texts", "graph"}
    return tuple(f"{name}: {value}" for name, value in found if name not in of_form)


def test_every_fact_is_read_in_every_layout(snapshot: SnapshotAssertion) -> None:
    shown = set[tuple[str, ...]]()
    for layout in (2, 3, 4):
        content = bala(GREET, layout=layout, **EVERY_FACT)
        found = read_bala(memoryview(content))
        assert (found.archive_digest, found.size_bytes) == (Digest.of(content), len(content))
        assert found.layout == layout
        shown.add(facts_of(found))
    assert list(shown) == snapshot


def test_missing_parts_of_a_bala_are_empty(snapshot: SnapshotAssertion) -> None:
    shown = set[tuple[str, ...]]()
    for layout in (2, 3, 4):
        found = read(layout=layout, readme="", ballerina_version="")
        assert found.texts == Texts(modules=(ModuleText(name="greet"),))
        assert read(layout=layout, visibility="public").visibility is Visibility.PUBLIC
        shown.add(facts_of(found))
    assert list(shown) == snapshot
    assert [read(graalvm=each).graalvm for each in (True, False)] == [Graalvm.YES, Graalvm.NO]


@pytest.mark.parametrize(
    ("key", "version", "layout"),
    [
        ("bala_version", "2.0.0", 2),
        ("balo_version", "2.0.0", 2),
        ("bala_version", "3.0.0", 3),
        ("bala_version", "1.0.0", 3),
        ("bala_version", "2.0.1", 3),
        ("bala_version", "9", 3),
    ],
)
def test_layout_2_is_known_only_by_its_number(key: str, version: str, layout: int) -> None:
    found = read(entries={"bala.json": f'{{"{key}": "{version}"}}'})
    assert (found.layout, found.bala_version) == (layout, version)


@pytest.mark.parametrize(("text", "version"), [("", "4"), ('[bala]\nschema_version = "5"', "5")])
def test_a_schema_version_may_be_absent_in_layout_4(text: str, version: str) -> None:
    found = read(layout=4, entries={"Bala.toml": text})
    assert (found.layout, found.bala_version, found.platform) == (4, version, "any")


# --- icon, SBOM, plugin ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "stored"),
    [
        ("docs/icon.png", "docs/icon.png"),
        ("icon.png", "docs/icon.png"),
        ("docs\\icon.png", "docs/icon.png"),
        ("./docs/icon.PNG", "docs/icon.PNG"),
    ],
)
def test_an_icon_is_found_by_its_path_or_under_docs(named: str, stored: str) -> None:
    assert read(manifest={"icon": named}, entries={stored: ICON}).icon == stored


@pytest.mark.parametrize("icon", ["docs/missing.png", "docs/README.md"])
def test_an_icon_that_is_no_png_of_the_archive_is_not_shown(icon: str) -> None:
    found = read(manifest={"icon": icon})
    assert found.icon == ""
    assert found.warnings == (f"The icon {icon} is no PNG file of the archive, so none is shown.",)


@pytest.mark.parametrize(("name", "is_one"), [("a/b/bom.cdx.json", True), ("xbom.cdx.json", False)])
def test_an_sbom_is_found_in_any_folder(name: str, is_one: bool) -> None:
    assert read(entries={name: "{}"}).sbom is is_one


@pytest.mark.parametrize(
    ("name", "by_go", "by_java"),
    [
        ("native/a.go", True, False),
        ("Native/deep/a.GO", True, False),
        ("CompilerPlugin.toml", True, False),
        ("Compiler-Plugin/libs/a.jar", True, True),
        *(
            (name, False, False)
            for name in ("native/a.txt", "native.go", "docs/CompilerPlugin.toml")
        ),
    ],
)
def test_code_that_runs_in_builds_is_announced(name: str, *, by_go: bool, by_java: bool) -> None:
    assert read(layout=4, entries={name: "x"}).compiler_plugin is by_go
    assert read(entries={name: "x"}).compiler_plugin is by_java


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ('{"tool_id": "greet"}', ("greet",)),
        ('{"tool_id": "greet", "tools": ["greet", "more.tools"]}', ("greet", "more.tools")),
        ('{"tools": [{"tool_id": "a_1"}, {"id": "b"}]}', ("a_1", "b")),
    ],
)
def test_tools_are_one_or_a_list(text: str, tools: tuple[str, ...]) -> None:
    assert read(entries={"tool/bal-tool.json": text}).tools == tools


# --- the claim ---------------------------------------------------------------------------------


def test_an_archive_must_be_the_package_that_its_upload_says() -> None:
    found = read()
    for org, name in (("acme", "greet"), ("Acme", "Greet")):
        require_coordinate(found, Coordinate.parse(org, name, "1.0.0"))
    for claimed in (
        ("acme", "greet", "1.0.1"),
        ("acme", "great", "1.0.0"),
        ("b", "greet", "1.0.0"),
    ):
        with raises_refusal("coordinate-differs", match=r"holds acme/greet:1\.0\.0, but"):
            require_coordinate(found, Coordinate.parse(*claimed))


# --- room --------------------------------------------------------------------------------------

PUSHER = Principal(id="account-of-ann", credential="token-of-ann")
RECORD_BYTES = 17 * KIB  # What a stored release may have.
LATER_BYTES = KIB  # A deprecation of 500 characters, at most, and a reason of the operator.


def recorded_bytes(found: Bala) -> int:
    """Return the size of the release that a push would store, as a store that escapes sees it."""
    return len(json.dumps(new_release(found, by=PUSHER, now_ms=1 << 41).model_dump(mode="json")))


def test_whatever_is_accepted_fits_into_a_release() -> None:
    choose = random.Random(2026)  # noqa: S311 - the same packages each time.
    fitted = 0
    for _ in range(60):
        spec = {
            "keywords": ["é" * choose.randint(1, 400) for _ in range(choose.randint(0, 5))],
            "authors": ['"' * choose.randint(1, 400) for _ in range(choose.randint(0, 5))],
            "modules": [f"m{at}" + "x" * 90 for at in range(choose.randint(0, 60))],
            "dependencies": [f"acme/d{at}:1.0.0" for at in range(choose.randint(0, 80))],
            "summary": "✓" * 1_000,
        }
        try:
            found = read(**spec)
        except BadArchive:
            continue
        fitted += 1
        assert recorded_bytes(found) < RECORD_BYTES - LATER_BYTES
    assert 9 < fitted < 51


def test_a_large_archive_is_read_in_little_memory() -> None:
    content = bala(GREET, padding=20 * MIB)
    tracemalloc.start()
    read_bala(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MIB


def test_no_entry_is_unpacked_twice() -> None:
    content = bala(GREET, padding=9_000, manifest={"readme": "package.json"})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    read_bala(content, ArchiveLimits(unpacked_bytes=unpacked))
    with raises_refusal("unpacks-too-large"):
        read_bala(content, ArchiveLimits(unpacked_bytes=unpacked - 1))


# In the order in which they count.
OF_MODULES = ("README.md", "Module.md")
PACKAGE_TEXTS = ["text.md", "docs/README.md", "docs/Package.md"]
PACKAGE_TEXTS.extend(f"docs/modules/greet/{each}" for each in OF_MODULES)
MODULE_TEXTS = ["docs/sub.md", *(f"docs/modules/greet.sub/{each}" for each in OF_MODULES)]


@pytest.mark.parametrize("first", range(len(PACKAGE_TEXTS)))
def test_the_first_package_text_that_exists_counts(first: int) -> None:
    texts = {name: f"I am {name}." for name in PACKAGE_TEXTS[first:]}
    entries = {**texts, "docs/x.MD": "x"}
    found = read_bala(bala(readme="", manifest={"readme": "text.md"}, entries=entries))
    assert found.texts.readme == found.summary == f"I am {PACKAGE_TEXTS[first]}."


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


def test_layout_4_has_module_texts_with_their_sources() -> None:
    entries = {"modules/sub/Module.md": "Sub."}
    found = read_bala(bala(layout=4, modules=["sub"], entries=entries))
    texts = [(text.name, text.readme) for text in found.texts.modules]
    assert texts == [("greet", ""), ("greet.sub", "Sub.")]


def test_a_module_has_its_description_as_summary() -> None:
    modules = [{"name": "greet", "description": "Says hello."}]
    found = read_bala(bala(manifest={"modules": modules}, module_readmes={"greet": "Long."}))
    assert found.texts.modules[0].summary == "Says hello."
    assert found.texts.modules[0].readme == "Long."


def test_invalid_utf_8_in_a_text_is_replaced_by_a_sign() -> None:
    found = read_bala(bala(entries={"docs/README.md": b"\xef\xbb\xbfGr\xfc\xdfe"}))
    assert found.texts.readme == "Gr\ufffd\ufffde"


@pytest.mark.parametrize("layout", [2, 3, 4])
@pytest.mark.parametrize(
    ("exported", "modules", "internal"),
    [
        (["greet.b", "greet"], ("greet", "greet.b"), ("greet.a", "greet.a.c")),
        ([], ("greet",), ("greet.a", "greet.a.c", "greet.b")),
        (["greet.a"], ("greet.a",), ("greet", "greet.a.c", "greet.b")),
    ],
)
def test_modules_are_those_that_others_can_import_the_default_one_first(
    *, layout: int, exported: list[str], modules: tuple[str, ...], internal: tuple[str, ...]
) -> None:
    found = read(layout=layout, modules=["b", "a.c", "a"], exported=exported)
    assert (found.modules, found.internal_modules) == (modules, internal)
    assert tuple(text.name for text in found.texts.modules) == modules


_GO_PACKAGE = '[package]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'


def _module_table(table: str, name: str, *fields: str) -> str:
    return "\n".join((f"[[{table}]]", f'name = "{name}"', *fields, ""))


TABLES = "".join(_module_table("modules", f"greet{each}", "export = true") for each in (".a", ""))
IN_PLACE = "".join(  # The list of the package, in place of the flags of its modules.
    (
        _GO_PACKAGE,
        'export = ["greet", "greet.x"]\n',
        _module_table("package.modules", "greet.a", "export = true", 'description = "Sub."'),
        _module_table("package.modules", "greet.b"),
    )
)


@pytest.mark.parametrize(
    "spec",
    [
        {"manifest": {"modules": [{"name": "greet"}, {"name": "greet.a", "export": True}]}},
        {"layout": 4, "exported": [], "entries": {"Bala.toml": TABLES}},  # Of early Go balas.
        {"layout": 4, "entries": {"Ballerina.toml": _GO_PACKAGE + TABLES}},
        {"layout": 4, "entries": {"Ballerina.toml": IN_PLACE}},
    ],
)
def test_a_module_may_be_exported_in_a_list_of_modules(spec: dict[str, Any]) -> None:
    found = read(**{"modules": ["a", "b", "x"], "exported": ["greet"], **spec})
    assert found.modules == ("greet", "greet.a")
    assert found.internal_modules == ("greet.b", "greet.x")
    assert found.texts.modules[1].summary == ("Sub." if "Sub." in str(spec) else "")


UNNAMED = _GO_PACKAGE + _module_table("package.modules", "greet.a", "export = true")


@pytest.mark.parametrize("spec", [{}, {"layout": 2}, {"layout": 4}])
@pytest.mark.parametrize(
    ("exported", "modules", "internal"),
    [
        (["greet", "greet.a"], ("greet.a",), ("greet.b",)),  # As `bal pack` exports.
        (["greet.a"], ("greet.a",), ("greet.b",)),
        (["greet"], ("greet",), ("greet.a", "greet.b")),
    ],
)
def test_a_package_whose_default_module_has_no_source_and_another_one_has_is_accepted(
    spec: dict[str, Any], exported: list[str], modules: tuple[str, ...], internal: tuple[str, ...]
) -> None:
    content = files(GREET, Spec(modules=["a", "b"], exported=exported, **spec))
    del content["greet.bal" if spec.get("layout") == 4 else "modules/greet/greet.bal"]
    found = read_bala(zipped(content))
    assert (found.modules, found.internal_modules) == (modules, internal)
    is_listed = "greet" in exported
    warnings = ("The default module greet has no source file.",)
    assert found.warnings == (warnings if is_listed else ())


@pytest.mark.parametrize(
    ("spec", "source", "modules"),
    [
        ({"modules": ["a"], "exported": ["greet.a"]}, "modules/greet/greet.bal", ("greet.a",)),
        # It is exported, and no list names it.
        (
            {"layout": 4, "modules": ["a"], "entries": {"Ballerina.toml": UNNAMED}},
            "greet.bal",
            ("greet.a",),
        ),
        ({"tools": ["greet"]}, "modules/greet/greet.bal", ("greet",)),
    ],
)
def test_a_default_module_without_a_source_is_no_module_but_of_a_tool_which_is_warned(
    spec: dict[str, Any], source: str, modules: tuple[str, ...]
) -> None:
    content = files(GREET, Spec(**spec))
    del content[source]
    found = read_bala(zipped(content))
    assert (found.modules, found.internal_modules) == (modules, ())
    warnings = ("The default module greet has no source file.",)
    assert found.warnings == (warnings if "tools" in spec else ())


@pytest.mark.parametrize("readme", ["", "docs/README.md", "README.md"])
def test_texts_and_the_icon_of_go_balas_are_below_docs(readme: str) -> None:
    text = _GO_PACKAGE + f'readme = "{readme}"\nicon = "icon.png"\nexport = ["greet", "greet.a"]\n'
    entries = {
        "Ballerina.toml": text,
        "docs/README.md": "The package.",
        "docs/icon.png": ICON,
        "docs/modules/greet/README.md": "The default module.",
        "docs/modules/greet.a/README.md": "The module a.",
    }
    found = read(layout=4, modules=["a"], readme="", entries=entries)
    assert (found.texts.readme, found.icon) == ("The package.", "docs/icon.png")
    readmes = [each.readme for each in found.texts.modules]
    assert readmes == ["The default module.", "The module a."]


@pytest.mark.parametrize("name", ["docs/modules/greet.a/about.md", "about.md"])
def test_a_go_bala_may_name_the_text_of_a_module(name: str) -> None:
    text = _GO_PACKAGE
    text += _module_table("package.modules", "greet.a", "export = true", f'readme = "{name}"')
    entries = {"Ballerina.toml": text, "docs/modules/greet.a/about.md": "The module a."}
    found = read(layout=4, modules=["a"], entries=entries)
    assert found.texts.modules[1].readme == "The module a."


@pytest.mark.parametrize(
    ("layout", "path", "internal"),
    [
        *((3, f"modules/{name}/x.bal", ()) for name in ("kafka", "greet-er", "greet/deeper")),
        (3, "x.bal", ()),
        (4, "lib/c/x.bal", ()),
        (4, "modules/a.b/x.bal", ("greet.a.b",)),
    ],
)
def test_files_that_belong_to_no_module_are_stored_and_not_listed(
    layout: int, path: str, internal: tuple[str, ...]
) -> None:
    found = read(layout=layout, entries={path: "x"})
    assert (found.modules, found.internal_modules) == (("greet",), internal)


@pytest.mark.parametrize("layout", [3, 4])
def test_only_go_balas_need_nothing_that_a_toolchain_contains(layout: int) -> None:
    built_in = "ballerina/io:0.0.1"
    other = "acme/base:1.0.0"
    found = read(layout=layout, dependencies=[built_in, other])
    needed = {f"{each.org}/{each.name}:{each.version}" for each in found.needed_packages}
    assert needed == ({other} if layout == 4 else {built_in, other})


X, Y, Z = (
    Dependency(org="acme", name=name, version=version)
    for name, version in (("x", "1.0.0"), ("y", "2.0.0"), ("z", "0.1.0"))
)


def node(of: Dependency, *needed: Dependency) -> GraphNode:
    """Return the node of a package."""
    return GraphNode(org=of.org, name=of.name, version=of.version, dependencies=needed)


OWN, STALE = (Dependency(org="acme", name="greet", version=each) for each in ("1.0.0", "0.9.0"))


def graph_of(packages: list[Any]) -> Graph:
    """Return what is read of a `dependency-graph.json` with these packages."""
    text = json.dumps({"packages": packages})
    return read_bala(bala(GREET, entries={"dependency-graph.json": text})).graph


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_the_graph_holds_the_package_first_and_everything_that_it_needs(layout: int) -> None:
    content = bala(
        GREET,
        layout=layout,
        dependencies=["acme/x:1.0.0", "acme/y:2.0.0"],
        transitive={"acme/x:1.0.0": ["acme/z:0.1.0"]},
    )
    found = read_bala(content)
    assert found.graph == Graph(nodes=(node(OWN, X, Y), node(X, Z), node(Y), node(Z)))
    assert found.dependencies == (X, Y)


@pytest.mark.parametrize(
    ("packages", "nodes"),
    [
        ([node(X, Z), node(Z)], (node(OWN), node(X, Z), node(Z))),  # Its own node is not there.
        ([node(X), node(STALE, X), node(OWN)], (node(OWN, X), node(X))),
    ],
)
def test_its_own_node_comes_first_at_its_own_version(
    packages: list[GraphNode], nodes: tuple[GraphNode, ...]
) -> None:
    assert graph_of([each.model_dump() for each in packages]) == Graph(nodes=nodes)
    content = files(GREET, Spec())
    del content["dependency-graph.json"]
    assert read_bala(zipped(content)).graph == Graph(nodes=(node(OWN),))


def test_a_graph_may_lack_everything_that_is_optional() -> None:
    bare = {"org": "acme", "name": "greet", "version": "1.0.0"}
    assert graph_of([bare]) == Graph(nodes=(node(OWN),))
