"""What the command says and does around asking and merging, on a laptop of a few lines."""

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.login.command import LocalMachine, LoginOptions, local_machine, main, run
from tests.paths import ROOT
from tests.support.server import Address, running

CODES = {"device_code": "d", "user_code": "BCDF-GHJK", "expires_in": 600, "interval": 1}
GIVEN = {"access_token": "blr_t", "account": "ann", "scope": "read", "expires_in": 7_776_000}


def served(page: str = "") -> AbstractContextManager[Address]:
    """Serve a registry that approves everything, and sends people to `page`."""

    async def ask(request: Request) -> JSONResponse:
        assert b"client_id=lap+top" in await request.body()
        there = page or str(request.base_url.replace(path="/device"))
        return JSONResponse({**CODES, "verification_uri": there})

    async def token(_: Request) -> JSONResponse:
        return JSONResponse(GIVEN)

    async def whoami(request: Request) -> JSONResponse:
        if request.headers["authorization"] != "Bearer blr_mine":
            message = "The access token is unknown."
            return JSONResponse({"error": {"message": message}}, status_code=401)
        return JSONResponse({"name": "ann"})

    routes = [
        Route("/api/v1/whoami", whoami),
        Route("/api/v1/device", ask, methods=["POST"]),
        Route("/api/v1/device/token", token, methods=["POST"]),
    ]
    return running(Starlette(routes=routes))


@dataclass
class FakeLaptop:
    """Notes what is said, opened and waited for."""

    home: Path
    said: list[str] = field(default_factory=list[str])
    opened: list[str] = field(default_factory=list[str])
    slept: list[float] = field(default_factory=list[float])

    typed: str | None = None

    def ask_token(self, prompt: str) -> str:
        self.said.append(prompt)
        if self.typed is None:
            raise EOFError
        return self.typed

    def laptop(self, sleep: Callable[[float], None] | None = None) -> LocalMachine:
        """Return it as the command sees it."""
        return LocalMachine(
            name="lap top",
            environment={"BALLERINA_HOME_DIR": str(self.home)},
            print_line=self.said.append,
            ask_token=self.ask_token,
            open_browser=self.opened.append,
            sleep=sleep or self.slept.append,
            stamp=lambda: "20261120T103000Z",
        )


@pytest.fixture
def fake(tmp_path: Path) -> FakeLaptop:
    return FakeLaptop(tmp_path)


def test_it_waits_as_requested_and_prints_what_it_did_and_what_is_next(fake: FakeLaptop) -> None:
    with served() as address:
        assert run(LoginOptions(address.url), fake.laptop()) == 0
    said = "\n".join(fake.said)
    assert fake.slept == [1]
    for words in (
        "BCDF-GHJK",
        "good for 10 minutes",
        "Approved by ann: read, for 90 days.",
        f"Wrote the entry 'ballroom' to {fake.home / 'Settings.toml'}.",
        "bal pack && bal push --repository=ballroom",
    ):
        assert words in said
    assert "blr_t" not in said


def test_the_page_is_opened_unless_nobody_wants_that(fake: FakeLaptop) -> None:
    with served() as address:
        run(LoginOptions(address.url), fake.laptop())
        run(LoginOptions(address.url, opens_browser=False), fake.laptop())
    assert fake.opened == [f"{address.url}/device"]


def test_a_page_of_another_site_is_not_opened(fake: FakeLaptop) -> None:
    with served(page="https://evil.example/device") as address:
        run(LoginOptions(address.url), fake.laptop())
    assert fake.opened == []


def test_a_login_that_changes_nothing_writes_nothing(fake: FakeLaptop) -> None:
    with served() as address:
        run(LoginOptions(address.url), fake.laptop())
        run(LoginOptions(address.url), fake.laptop())
    assert fake.said[-1] == f"{fake.home / 'Settings.toml'} is up to date."
    assert [each.name for each in fake.home.iterdir()] == ["Settings.toml"]


def test_an_interrupted_login_changes_nothing(fake: FakeLaptop) -> None:
    def stop(_: float) -> NoReturn:
        raise KeyboardInterrupt

    with served() as address:
        assert run(LoginOptions(address.url), fake.laptop(sleep=stop)) == 130
    assert fake.said[-1] == "Stopped. Nothing was changed."
    assert list(fake.home.iterdir()) == []


def test_settings_that_became_unreadable_meanwhile_are_left_alone(fake: FakeLaptop) -> None:
    file = fake.home / "Settings.toml"

    def damage(_: float) -> None:
        file.write_text("[open")

    with served() as address:
        assert run(LoginOptions(address.url), fake.laptop(sleep=damage)) == 1
    assert fake.said[-1].startswith(f"{file} was left as it is. It is not TOML")
    assert file.read_text() == "[open"


def test_a_folder_that_cannot_be_written_is_reported_in_one_sentence(fake: FakeLaptop) -> None:
    (fake.home / "Settings.toml").mkdir()
    assert run(LoginOptions("http://127.0.0.1:1"), fake.laptop()) == 1
    [sentence] = fake.said
    assert sentence.startswith(f"{fake.home / 'Settings.toml'} cannot be read: is a directory.")
    assert "name another folder by BALLERINA_HOME_DIR" in sentence


def test_the_options_of_a_terminal_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BALLERINA_HOME_DIR", str(tmp_path))
    (tmp_path / "Settings.toml").write_text("central = {}")
    arguments = ["--id", "x", "--central", "--proxy", "--no-browser"]
    assert main(arguments, "http://127.0.0.1:1") == 1
    assert "It says central = … on one line" in capsys.readouterr().out


@pytest.mark.parametrize(("desktop", "opened"), [({}, []), ({"DISPLAY": ":0"}, ["page"])])
def test_a_browser_is_opened_where_there_is_a_desktop(
    tmp_path: Path, desktop: dict[str, str], opened: list[str]
) -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere there is always a desktop")
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho page >> {tmp_path / 'opened'}\n")
    browser.chmod(0o755)
    program = (
        "from shared.login.command import local_machine\n"
        "local_machine().open_browser('http://x.test')"
    )
    environment = {"BROWSER": f"{browser} %s", "PATH": "/usr/bin:/bin", **desktop}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    found = tmp_path / "opened"
    assert (found.read_text().split() if found.exists() else []) == opened


def test_a_copy_is_named_by_the_time_in_utc() -> None:
    assert re.fullmatch(r"\d{8}T\d{6}Z", local_machine().stamp())


def test_a_token_that_somebody_has_is_written_without_a_login(fake: FakeLaptop) -> None:
    fake.typed = "blr_mine"
    with served() as address:
        assert run(LoginOptions(address.url, has_token=True), fake.laptop()) == 0
    assert fake.said[:2] == ["Access token: ", "The token belongs to ann."]
    written = (fake.home / "Settings.toml").read_text("utf-8")
    assert 'accesstoken = "blr_mine"' in written
    assert 'username = "ann"' in written
    assert "blr_mine" not in "".join(fake.said)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("blr_other", "The access token is unknown."),
        ("", "That is no access token."),
        ("bl\u00fcr", "That is no access token."),
        (None, "Set the variable BALLROOM_TOKEN to it."),
    ],
)
def test_a_token_that_does_not_work_is_not_written(
    fake: FakeLaptop, typed: str | None, reason: str
) -> None:
    fake.typed = typed
    with served() as address:
        assert run(LoginOptions(address.url, has_token=True), fake.laptop()) == 1
    assert reason in fake.said[-1]
    assert not (fake.home / "Settings.toml").exists()
