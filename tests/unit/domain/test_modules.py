"""Which modules a bala holds, and which it exports."""

from typing import Any

import pytest

from shared.domain.bala import Bala, read_bala
from tests.balas import Spec, bala, files, zipped

GREET = "acme/greet:1.0.0"


def read(**spec: Any) -> Bala:
    """Return what is read of a built bala."""
    return read_bala(bala(GREET, **spec))


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_the_default_module_is_first_and_the_rest_in_order(layout: int) -> None:
    found = read(layout=layout, modules=["b", "a.c", "a"], exported=["greet.b", "greet"])
    assert found.modules == ("greet", "greet.a", "greet.a.c", "greet.b")
    assert found.exported == ("greet", "greet.b")


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_without_exports_the_default_module_is_exported(layout: int) -> None:
    found = read(layout=layout, modules=["a"], exported=[])
    assert found.modules == ("greet", "greet.a")
    assert found.exported == ("greet",)


def test_a_package_may_export_without_its_default_module() -> None:
    assert read(modules=["a"], exported=["greet.a"]).exported == ("greet.a",)


def test_a_module_may_be_exported_in_the_list_of_modules() -> None:
    modules = [{"name": "greet"}, {"name": "greet.a", "export": True}, {"name": "greet.b"}]
    found = read(modules=["a"], exported=["greet"], manifest={"modules": modules})
    assert found.modules == ("greet", "greet.a", "greet.b")
    assert found.exported == ("greet", "greet.a")


def test_early_go_balas_export_in_bala_toml() -> None:
    text = (
        '[[modules]]\nname = "greet"\nexport = true\n[[modules]]\nname = "greet.a"\nexport = true'
    )
    found = read(layout=4, modules=["a"], exported=[], entries={"Bala.toml": text})
    assert found.exported == ("greet", "greet.a")


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
    assert read(entries={path: "x"}).modules == ("greet",)


def test_the_folder_of_layout_4_is_what_follows_the_package_name() -> None:
    found = read(layout=4, entries={"modules/a.b/x.bal": "x", "lib/c/x.bal": "x"})
    assert found.modules == ("greet", "greet.a.b")


def test_a_tool_may_lack_a_default_module_and_is_warned() -> None:
    content = files(GREET, Spec(tools=["greet"]))
    del content["modules/greet/greet.bal"]
    found = read_bala(zipped(content))
    assert found.modules == found.exported == ("greet",)
    assert found.warnings == ("The default module greet has no source file.",)
