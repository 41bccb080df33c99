"""What the files that are run by themselves have in common."""

import ast
import io
import sys
import zipfile
from collections import Counter
from types import ModuleType

import pytest

from functions.http.scripts import VERIFY_FILE, script_text
from shared import audit, login, outdated, publish
from shared.script_client import flaw_of_address, objects_in, part_of_archive
from tests.support.archives import bala
from tests.support.world import URL


@pytest.mark.parametrize(
    "module", [audit, login, outdated, publish], ids=lambda each: each.__name__
)
def test_the_served_file_is_python_of_the_oldest_version_that_it_promises(
    module: ModuleType,
) -> None:
    source = script_text(str(module.__file__), module.ADDRESS, URL)
    tree = ast.parse(source, feature_version=(3, 9))
    assert "Python 3.9" in source
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} <= {*sys.stdlib_module_names}


@pytest.mark.parametrize("name", ["audit", "login", "outdated", "publish", "verify"])
def test_no_part_of_a_served_file_takes_a_name_of_another(name: str) -> None:
    """They have one namespace there, so the later one would replace the earlier one."""
    source = script_text(str(VERIFY_FILE.with_name(f"{name}.py")), login.ADDRESS, URL)
    defined = Counter[str]()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] += 1
        elif isinstance(node, ast.Assign):
            defined.update(each.id for each in node.targets if isinstance(each, ast.Name))
    assert [each for each, times in defined.items() if times > 1] == []


@pytest.mark.parametrize(
    "address", ["http://[", "https://registry.test:port", "https://registry.test:99999"]
)
def test_an_address_that_cannot_be_split_is_no_url(address: str) -> None:
    assert "is not a valid URL" in flaw_of_address(address, has_token=False)


@pytest.mark.parametrize(
    "kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, 99], ids=["lzma", "bzip2", "unknown"]
)
def test_a_part_of_a_damaged_archive_is_named_so(kind: int) -> None:
    """A changed byte can say that a part is compressed in another way than it is."""
    content = bytearray(bala("acme/greet:1.0.0"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        begin = archive.getinfo("package.json").header_offset
        central = content.index(b"package.json", archive.start_dir) - 46
    content[begin + 8] = content[central + 10] = kind
    content[begin + 44 : begin + 46] = b"\x05\x00"  # How LZMA writes the length of its settings.
    with zipfile.ZipFile(io.BytesIO(content)) as archive, pytest.raises(zipfile.BadZipFile):
        part_of_archive(archive, "package.json")


def test_only_the_objects_of_a_list_are_read() -> None:
    assert objects_in([{"a": 1}, None, "b", ["c"]]) == [{"a": 1}]
    assert objects_in({"a": 1}) == []
