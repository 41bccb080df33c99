"""What the files that are run by themselves have in common."""

import ast
import io
import sys
import zipfile
from collections import Counter
from email.message import Message
from pathlib import Path
from types import ModuleType
from urllib.request import Request

import pytest

from functions.http.scripts import VERIFY_FILE, script_text
from shared import audit, login, outdated, publish, verify
from shared.script_client import (
    HttpAnswer,
    flaw_of_address,
    objects_in,
    part_of_archive,
    print_all_characters,
    print_line,
    send_with_retries,
)
from tests.support.archives import bala
from tests.support.world import URL


@pytest.mark.parametrize(
    "module", [audit, login, outdated, publish, verify], ids=lambda each: each.__name__
)
def test_a_character_that_the_output_cannot_have_is_printed_as_an_escape(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where the output of a job is a pipe."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "cp1252"))
    with pytest.raises(SystemExit):
        module.main(["--help"], URL)
    print_line("\N{GREATER-THAN OR EQUAL TO} 1.0.0")
    assert written.getvalue().endswith(b"\\u2265 1.0.0\n")
    monkeypatch.setattr(sys, "stdout", None)
    print_all_characters()


@pytest.mark.parametrize(
    "module", [audit, login, outdated, publish], ids=lambda each: each.__name__
)
def test_the_served_file_is_python_of_the_oldest_version_that_it_promises(
    module: ModuleType,
) -> None:
    source = script_text(Path(str(module.__file__)), URL)
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
    source = script_text(VERIFY_FILE.with_name(f"{name}.py"), URL)
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


# --- requests that are sent again ---------------------------------------------------------------


class Attempts:
    """Answers requests with these results, and notes why and how long it paused."""

    def __init__(self, *results: HttpAnswer | Exception) -> None:
        self._results = [*results]
        self.made = 0
        self.pauses = list[tuple[object, float]]()

    def make(self) -> Request:
        self.made += 1
        return Request("https://registry.test")

    def send_once(self, _request: Request) -> HttpAnswer:
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def pause(self, why: HttpAnswer | Exception, seconds: float) -> None:
        self.pauses.append((why.status if isinstance(why, HttpAnswer) else str(why), seconds))

    def run(self) -> HttpAnswer | Exception:
        return send_with_retries(
            self.make, self.send_once, tries=3, longest_pause_s=10, pause=self.pause
        )


def answered(status: int, retry_after: str = "") -> HttpAnswer:
    headers = Message()
    if retry_after:
        headers["Retry-After"] = retry_after
    return HttpAnswer(status, headers, b"")


def test_a_request_is_made_and_sent_again_while_the_server_is_busy_or_away() -> None:
    good = answered(200)
    attempts = Attempts(ConnectionError("away"), answered(503, "7"), good)
    assert attempts.run() is good
    assert attempts.pauses == [("away", 1), (503, 7)]
    assert attempts.made == 3


def test_the_last_result_is_returned_without_a_pause() -> None:
    away = ConnectionError("away")
    attempts = Attempts(answered(500), answered(429), away)
    assert attempts.run() is away
    assert attempts.pauses == [(500, 1), (429, 2)]


@pytest.mark.parametrize("final", [answered(404), answered(503, "11")])
def test_a_refusal_and_a_long_pause_end_it(final: HttpAnswer) -> None:
    attempts = Attempts(final)
    assert attempts.run() is final
    assert not attempts.pauses


@pytest.mark.parametrize("step", ["make", "pause"])
def test_what_making_a_request_or_a_pause_raises_is_no_failure_of_the_server(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(ConnectionError("away"), answered(200))

    def refused(*_arguments: object) -> Request:
        raise PermissionError(step)

    monkeypatch.setattr(attempts, step, refused)
    with pytest.raises(PermissionError, match=step):
        attempts.run()
