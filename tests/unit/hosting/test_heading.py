"""Headers of host.json are on every answer, as the real host adds them."""

import json
from pathlib import Path

import pytest

from shared.hosting.heading import HOST_FILE, added_headers, headed
from shared.hosting.responses import bare, send_answer
from tests.unit.hosting.asgi import ask, scope


def host_file(folder: Path, *, enabled: bool = True) -> Path:
    """Write a host.json with one header."""
    http = {"customHeaders": {"X-One": "1"}, "hsts": {"isEnabled": enabled, "maxAge": "2"}}
    file = folder / "host.json"
    file.write_text(json.dumps({"extensions": {"http": http}}))
    return file


def test_headers_are_those_of_the_file(tmp_path: Path) -> None:
    assert added_headers("http://registry.test", host_file(tmp_path)) == [(b"x-one", b"1")]


def test_over_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    [_, hsts] = added_headers("https://registry.test", host_file(tmp_path))
    assert hsts == (b"strict-transport-security", b"max-age=172800")


def test_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert len(added_headers("https://registry.test", host_file(tmp_path, enabled=False))) == 1


def test_our_own_file_keeps_browsers_strict() -> None:
    names = {name for name, _ in added_headers("", HOST_FILE)}
    assert {b"x-content-type-options", b"x-frame-options", b"referrer-policy"} <= names


@pytest.mark.parametrize("status", [200, 404])
async def test_they_are_added_to_what_is_there(status: int) -> None:
    shared = bare(status, (b"x-own", b"2"))

    async def app(_scope: object, _receive: object, send: object) -> None:
        await send_answer(shared, send)  # type: ignore[arg-type]

    for _ in range(2):
        answer = await ask(headed(app, [(b"x-one", b"1")]), scope("GET", "/"))
        assert answer.status == status
        assert answer.headers["x-own"] == "2"
        assert answer.headers["x-one"] == "1", "an answer that is sent twice is left as it was"
