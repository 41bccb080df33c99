"""Which modules a bala holds, and which it exports."""

from typing import Any

import pytest

from shared.domain.archives.bala import Bala, read_bala
from tests.support.archives import Spec, bala, files, zipped

GREET = "acme/greet:1.0.0"


def read(**spec: Any) -> Bala:
    """Return what is read of a built bala."""
    return read_bala(bala(GREET, **spec))


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_modules_are_those_that_others_can_import_the_default_one_first(layout: int) -> None:
    found = read(layout=layout, modules=["b", "a.c", "a"], exported=["greet.b", "greet"])
    assert found.modules == ("greet", "greet.b")
    assert found.internal_modules == ("greet.a", "greet.a.c")


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_without_exports_the_default_module_is_exported(layout: int) -> None:
    found = read(layout=layout, modules=["a"], exported=[])
    assert found.modules == ("greet",)
    assert found.internal_modules == ("greet.a",)


def test_a_package_may_export_without_its_default_module() -> None:
    found = read(modules=["a"], exported=["greet.a"])
    assert (found.modules, found.internal_modules) == (("greet.a",), ("greet",))


def test_a_default_module_without_a_source_is_no_module() -> None:
    content = files(GREET, Spec(modules=["a"], exported=["greet.a"]))
    del content["modules/greet/greet.bal"]
    found = read_bala(zipped(content))
    assert (found.modules, found.internal_modules) == (("greet.a",), ())


def test_a_module_may_be_exported_in_the_list_of_modules() -> None:
    modules = [{"name": "greet"}, {"name": "greet.a", "export": True}, {"name": "greet.b"}]
    found = read(modules=["a", "b"], exported=["greet"], manifest={"modules": modules})
    assert found.modules == ("greet", "greet.a")
    assert found.internal_modules == ("greet.b",)


def test_early_go_balas_export_in_bala_toml() -> None:
    text = (
        '[[modules]]\nname = "greet"\nexport = true\n[[modules]]\nname = "greet.a"\nexport = true'
    )
    found = read(layout=4, modules=["a"], exported=[], entries={"Bala.toml": text})
    assert found.modules == ("greet", "greet.a")


@pytest.mark.parametrize(
    "path",
    [
        "modules/kafka/x.bal",
        "modules/greeter/x.bal",
        "modules/greet-er/x.bal",
        "modules/greet/deeper/x.bal",
        "other/greet.a/x.bal",
        "x.bal",
    ],
)
def test_files_that_belong_to_no_module_are_kept_and_not_listed(path: str) -> None:
    found = read(entries={path: "x"})
    assert (found.modules, found.internal_modules) == (("greet",), ())


def test_the_folder_of_layout_4_is_what_follows_the_package_name() -> None:
    found = read(layout=4, entries={"modules/a.b/x.bal": "x", "lib/c/x.bal": "x"})
    assert (found.modules, found.internal_modules) == (("greet",), ("greet.a.b",))


def test_a_tool_may_lack_a_default_module_and_is_warned() -> None:
    content = files(GREET, Spec(tools=["greet"]))
    del content["modules/greet/greet.bal"]
    found = read_bala(zipped(content))
    assert (found.modules, found.internal_modules) == (("greet",), ())
    assert found.warnings == ("The default module greet has no source file.",)


def test_a_tool_without_a_default_module_is_known_by_the_modules_that_it_exports() -> None:
    content = files(GREET, Spec(tools=["greet"], modules=["a"]))
    del content["modules/greet/greet.bal"]
    assert read_bala(zipped(content)).modules == ("greet.a",)
