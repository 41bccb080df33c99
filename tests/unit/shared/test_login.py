"""The command that logs a machine in, and the file that is served."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from functions.http.scripts import LOGIN_FILE, script_text
from shared.hosting.http_server.server import bind
from shared.login import (
    HttpRegistry,
    LocalMachine,
    LoginFailed,
    LoginOptions,
    RegistryUnreachable,
    SettingsUnmergeable,
    local_machine,
    main,
    merge_settings,
    read,
    replace,
    request_token,
    run,
)
from tests.paths import ROOT
from tests.support.server import Address, served_app

Answer = Mapping[str, object]
CODES = {"device_code": "d", "user_code": "BCDF-GHJK", "expires_in": 600, "interval": 5}
ASKED = (200, {**CODES, "verification_uri": "https://registry.test/device"})
GIVEN = {"access_token": "blr_t", "account": "ann", "scope": "read", "expires_in": 7_776_000}
PENDING = (400, {"error": "authorization_pending"})
SLOWER = (400, {"error": "slow_down"})


class Script(HttpRegistry):
    """A registry that answers as it is told."""

    def __init__(self, *answers: tuple[int, Mapping[str, object]] | Exception) -> None:
        super().__init__("https://registry.test")
        self.answers = list(answers)

    def send(
        self, path: str, fields: Mapping[str, str] | None = None, token: str = ""
    ) -> tuple[int, Answer]:
        assert path.startswith("/api/v1/device"), (fields, token)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answers", "slept"),
    [
        ([PENDING, PENDING, (200, GIVEN)], [5, 5, 5]),
        # Five seconds more from then on.
        ([PENDING, SLOWER, PENDING, SLOWER, (200, GIVEN)], [5, 5, 10, 10, 15]),
        # A registry that is away for a moment.
        ([RegistryUnreachable("x"), (503, {}), (429, {}), (200, GIVEN)], [5, 10, 15, 20]),
    ],
)
def test_login_polls_at_the_pace_that_the_registry_asks_for(
    fake: "FakeLaptop", answers: list[tuple[int, Answer] | Exception], slept: list[float]
) -> None:
    assert request_token(Script(ASKED, *answers), HERE, fake.laptop()) == ("ann", "blr_t")
    assert fake.slept == slept


def test_polling_ends_when_the_code_expires(fake: "FakeLaptop") -> None:
    with pytest.raises(LoginFailed, match="Nobody approved in time"):
        request_token(Script(ASKED, PENDING), HERE, fake.laptop())
    assert sum(fake.slept) == 600


def test_a_registry_that_asks_for_no_pause_is_not_asked_without_one(fake: "FakeLaptop") -> None:
    hasty = (200, {**ASKED[1], "interval": 0})
    request_token(Script(hasty, PENDING, (200, GIVEN)), HERE, fake.laptop())
    assert fake.slept == [0.2, 0.2]


UNREADABLE = "The registry's answer cannot be read. Check the address."


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([ASKED, (400, {"error": "x", "error_description": "Refused."})], "Refused."),
        ([ASKED, (400, {"error": "x", "error_description": "Too\x1b[2J late."})], "Too[2J late."),
        ([ASKED, (400, {"error": {"code": "x", "message": "Ours."}})], "Ours."),
        ([ASKED, (400, {"error": "access_denied"})], "The registry gave no token (400)."),
        ([ASKED, (400, {})], "The registry gave no token (400)."),
        ([ASKED, (200, {})], UNREADABLE),
        ([ASKED, (200, {**GIVEN, "expires_in": "soon"})], UNREADABLE),
        ([(404, {})], "This is not a registry that issues tokens (404)."),
        ([(200, {})], UNREADABLE),
        ([(429, {"error": {"message": "Too often."}})], "Too often."),
    ],
)
def test_a_refusal_ends_the_login_with_its_sentence(
    fake: "FakeLaptop", answers: list[tuple[int, Answer] | Exception], sentence: str
) -> None:
    with pytest.raises(LoginFailed) as refused:
        request_token(Script(*answers), HERE, fake.laptop())
    assert str(refused.value) == sentence


# --- over sockets -------------------------------------------------------------------------------


async def echo(request: Request) -> Response:
    return JSONResponse({"fields": (await request.body()).decode()})


async def elsewhere(_: Request) -> Response:
    return RedirectResponse("/echo", 307)


async def no_json(_: Request) -> Response:
    return Response("<html>", 502)


def echoing() -> AbstractContextManager[Address]:
    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/elsewhere", elsewhere, methods=["POST"]),
        Route("/html", no_json, methods=["POST"]),
    ]
    return served_app(Starlette(routes=routes))


def test_a_form_is_sent_and_json_is_read() -> None:
    with echoing() as address:
        status, answer = HttpRegistry(address.url + "/").send("/echo", {"a b": "ü&"})
    assert (status, answer) == (200, {"fields": "a+b=%C3%BC%26"})


def test_codes_are_not_sent_on_to_where_a_redirect_leads() -> None:
    with echoing() as address:
        status, answer = HttpRegistry(address.url).send("/elsewhere", {"device_code": "d"})
    assert (status, answer) == (307, {})


def test_an_answer_that_is_not_json_is_empty() -> None:
    with echoing() as address:
        assert HttpRegistry(address.url).send("/html", {}) == (502, {})


def test_a_registry_that_does_not_answer_is_named() -> None:
    with closing(bind("127.0.0.1", 0)) as bound:  # Does not listen, so nobody else answers there.
        url = Address(bound.getsockname()[1]).url
        with pytest.raises(
            RegistryUnreachable, match=f"{url} cannot be reached: .* Check the address"
        ):
            HttpRegistry(url).send("/echo", {})


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    with echoing() as address:
        assert HttpRegistry(address.url).send("/echo", {})[0] == 200


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://registry.test", "Others could read the token along on plain http"),
        ("ftp://registry.test", "is not a valid URL"),
        ("registry.test", "is not a valid URL"),
        ("https://", "is not a valid URL"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(LoginFailed, match=sentence):
        HttpRegistry(address)


# --- The command --------------------------------------------------------------------------------


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
    return served_app(Starlette(routes=routes))


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


@pytest.mark.parametrize(
    ("pushes", "next_step"),
    [(True, "bal pack && bal push --repository=ballroom"), (False, "log in with --push")],
)
def test_it_waits_as_requested_and_prints_what_it_did_and_what_is_next(
    fake: FakeLaptop, pushes: bool, next_step: str
) -> None:
    with served() as address:
        assert run(LoginOptions(address.url, pushes=pushes), fake.laptop()) == 0
    said = "\n".join(fake.said)
    assert fake.slept == [5]
    for words in (
        "BCDF-GHJK",
        "good for 10 minutes",
        "Approved by ann: read, for 90 days.",
        f"Wrote the entry 'ballroom' to {fake.home / 'Settings.toml'}.",
        next_step,
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


def test_settings_that_became_unreadable_meanwhile_are_not_changed(fake: FakeLaptop) -> None:
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
    (tmp_path / "Settings.toml").write_text("central = {}\n")
    arguments = ["--id", "x", "--central", "--proxy", "--no-browser"]
    assert main(arguments, "http://127.0.0.1:1") == 1
    assert "It sets [central] already." in capsys.readouterr().out


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
        "from shared.login import local_machine\nlocal_machine().open_browser('http://x.test')"
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
        (None, "Set the variable BALLROOM_TOKEN."),
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


# --- Settings.toml ------------------------------------------------------------------------------

HERE = LoginOptions("https://registry.test/")
ENTRY = {
    "id": "ballroom",
    "url": "https://registry.test/2.0/maven",
    "username": "ann",
    "accesstoken": "blr_new",
    "proxyCentral": False,
}
THEIRS = """\
# The settings of kim, who keeps them tidy.
title = 'mine'  # A key at the top.

[proxy]
host = "proxy.example.com" # Behind it, a comment: [not a table] = "x"

[[repository.maven]]
  id = "nexus"          # The one at work.
  accesstoken = "their secret"
  proxyCentral = false

[central] # Central itself.
accesstoken = "central's own"
"""


NEW = "blr_new"


def merge(text: str, options: LoginOptions = HERE, token: str = NEW) -> str:
    return merge_settings(text, options, account="ann", token=token)


def entries(text: str) -> list[dict[str, Any]]:
    return tomllib.loads(text)["repository"]["maven"]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "[proxy]\nport = 1", THEIRS])
def test_an_entry_is_appended_and_a_later_login_replaces_it(text: str) -> None:
    first = merge(text, token="blr_old")
    second = merge(merge(text, token="blr_old"))
    assert first.startswith(text)
    assert entries(second)[-1] == ENTRY
    assert second == first.replace("blr_old", "blr_new") == merge(second)


def test_what_people_write_below_and_into_a_block_stays() -> None:
    text = merge("", token="blr_old").replace("proxy", "# Ours.\nproxy") + "[central]\n"
    assert merge(text.replace("# Ours.\n", "")).endswith("[central]\n")
    assert merge(merge("", token="blr_old") + 'note = "keep me"\n').endswith('note = "keep me"\n')


def test_lines_end_as_they_did() -> None:
    windows = merge(merge(THEIRS.replace("\n", "\r\n"), token="blr_old"))
    assert "\n" not in windows.replace("\r\n", "")
    assert entries(windows)[-1] == ENTRY


def test_a_proxy_and_central_get_the_token_when_they_are_asked_for() -> None:
    both = LoginOptions(HERE.address, is_proxy=True, sets_central=True)
    text = merge(merge("", both, token="blr_old"), both)
    assert [each["proxyCentral"] for each in entries(text)] == [False, True]
    assert tomllib.loads(text)["central"] == {"accesstoken": "blr_new"}
    assert "blr_old" not in merge(merge("", both, token="blr_old").partition("# The token")[0])


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("[central", HERE, "It is not TOML"),
        ("a = 1\na = 2", HERE, "It is not TOML"),
        ("repository = {}", HERE, "It is not TOML"),
        ("[repository.maven]\nid = 'x'", HERE, "It is not TOML"),
        ("[[repository.maven]]\n\tid='ballroom'\n", HERE, "'ballroom' that no login wrote"),
        (THEIRS, LoginOptions("https://registry.test", sets_central=True), "It sets [central]"),
        (
            "[[repository.maven]]\nproxyCentral=true\n",
            LoginOptions("https://registry.test", is_proxy=True),
            "Another entry is a proxy of Central already",
        ),
    ],
)
def test_settings_that_cannot_be_merged_safely_are_refused(
    text: str, options: LoginOptions, reason: str
) -> None:
    with pytest.raises(SettingsUnmergeable) as refusal:
        merge(text, options)
    assert reason in str(refusal.value)
    assert str(refusal.value).isprintable()


@given(st.text(alphabet="[]{}\"'=#\n.,\\xid", max_size=30), st.integers(min_value=0))
def test_damaged_settings_are_refused_or_preserved(damage: str, place: int) -> None:
    at = place % (len(THEIRS) + 1)
    damaged = THEIRS[:at] + damage + THEIRS[at:]
    try:
        result = merge(damaged)
    except SettingsUnmergeable:
        return
    assert result.startswith(damaged)
    assert entries(result)[-1] == ENTRY


STAMP = "20261120T103000Z"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".ballerina" / "Settings.toml"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_first_settings_come_with_their_folder_and_without_a_copy(file: Path) -> None:
    assert read(file) == ""
    assert replace(file, "a = 1\r\n", STAMP) is None
    assert file.read_bytes() == b"a = 1\r\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert names(file.parent) == ["Settings.toml"]


def test_the_previous_file_is_saved_as_a_copy_for_its_owner_only(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"old = true\r\n")
    file.chmod(0o644)
    backup = replace(file, "new = true\n", STAMP)
    assert backup is not None
    assert backup.match(f"Settings.toml.{STAMP}.*.bak")
    assert backup.read_bytes() == b"old = true\r\n"
    assert [each.stat().st_mode & 0o777 for each in (file, backup)] == [0o600, 0o600]
    assert read(file) == "new = true\n"


def test_a_copy_never_replaces_another_one(file: Path) -> None:
    for number in range(4):
        replace(file, str(number), STAMP)
    settings, *backups = names(file.parent)
    assert settings == "Settings.toml"
    assert sorted(file.with_name(each).read_text() for each in backups) == ["0", "1", "2"]


def test_a_symbolic_link_to_the_settings_stays_a_link(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "ballerina.toml"
    kept.parent.mkdir()
    kept.write_text("old")
    file.parent.mkdir(parents=True)
    file.symlink_to(kept)
    backup = replace(file, "new", STAMP)
    assert file.is_symlink()
    assert kept.read_text() == "new"
    assert backup is not None
    assert backup.match(str(kept.with_name(f"ballerina.toml.{STAMP}.*.bak")))


def test_a_link_to_nothing_yet_makes_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir(parents=True)
    file.symlink_to(tmp_path / "later.toml")
    assert read(file) == ""
    replace(file, "new", STAMP)
    assert (tmp_path / "later.toml").read_text() == "new"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    file = tmp_path / "plain" / "Settings.toml"
    with pytest.raises(
        LoginFailed, match=r"Settings.toml cannot be written: .* BALLERINA_HOME_DIR"
    ):
        replace(file, "new", STAMP)


def test_settings_that_are_a_folder_are_a_sentence(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(LoginFailed, match=r"cannot be read: is a directory"):
        read(file)
    with pytest.raises(LoginFailed, match=r"cannot be written: is a directory"):
        replace(file, "new", STAMP)


def test_a_text_that_cannot_be_written_leaves_no_litter(file: Path) -> None:
    replace(file, "old", STAMP)
    with pytest.raises(UnicodeEncodeError):
        replace(file, "\ud800", STAMP)
    assert file.read_text() == "old"
    settings, backup = names(file.parent)
    assert (settings, backup.endswith(".bak")) == ("Settings.toml", True)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe", "not UTF-8"), (b"#" * 1_000_001, "far too large")]
)
def test_a_file_that_is_no_text_is_not_changed(file: Path, content: bytes, reason: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(SettingsUnmergeable, match=reason):
        read(file)


# --- The file that is served --------------------------------------------------------------------


def test_a_registry_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    script = script_text(LOGIN_FILE, "http://127.0.0.1:1")
    process = subprocess.run(
        [sys.executable, "-I", "-"],
        input=script,
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (process.returncode, process.stderr) == (1, "")
    assert process.stdout.startswith("http://127.0.0.1:1 cannot be reached: ")
    assert process.stdout.count("\n") == 1
    assert not (tmp_path / ".ballerina").exists()
