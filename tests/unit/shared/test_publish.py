"""The program that publishes from CI jobs: tokens of each provider, order, retries, the log."""

import base64
import io
import json
import os
import re
import stat
import sys
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shared.cli import cli
from shared.publish import FAILED, PublishOptions, read_archives, run
from tests.paths import BALAS
from tests.support.archives import bala
from tests.support.served_handlers import QuietHandler, served_handler

ID_TOKEN = "id.token.of-job"
JOB_TOKEN = "blrm_job-token"
AUDIENCE = "https://ballroom.example.org"
GO_ARCHIVES = (BALAS / "go").glob("*.bala")

Reply = tuple[int, Mapping[str, str], bytes]


def _json(status: int, body: object, **headers: str) -> Reply:
    return status, headers, json.dumps(body).encode()


NO_HTTP: Reply = (0, {}, b"no HTTP\r\n\r\n")
MAY_PUBLISH = _json(200, {"findings": [], "mayPublish": True})
USUAL = {
    "GET /api/v1/trusted-publishing/audience": _json(200, {"audience": AUDIENCE}),
    "POST /api/v1/trusted-publishing/token": _json(201, {"token": JOB_TOKEN}),
    "DELETE /api/v1/trusted-publishing/token": (204, {}, b""),
    "POST /api/v1/dry-run": MAY_PUBLISH,
    "POST /2.0/registry/packages": (204, {}, b""),
    "GET /github": _json(200, {"value": ID_TOKEN}),
    "POST /azure": _json(200, {"oidcToken": ID_TOKEN}),
    "GET /computeMetadata/v1/instance/service-accounts/default/identity": (
        200,
        {},
        ID_TOKEN.encode(),
    ),
}


@dataclass
class Double:
    """A registry and the issuers of CI systems, at one address; replies for a path come first."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    sent: list[tuple[Mapping[str, str], bytes]] = field(
        default_factory=list[tuple[Mapping[str, str], bytes]]
    )
    replies: dict[str, list[Reply]] = field(default_factory=dict[str, list[Reply]])
    published: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    slept: list[float] = field(default_factory=list[float])  # By the program.

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.asked.append((method, path))
        self.sent.append((headers, body))
        where = f"{method} {path.partition('?')[0]}"
        if self.replies.get(where):
            return self.replies[where].pop(0)
        if where == "POST /2.0/registry/packages":
            name = re.search(rb'filename="acme-(\w+)-any-([\d.]+)\.bala', body)
            assert name
            self.published.setdefault(name[1].decode(), []).append(name[2].decode())
        if path.startswith("/2.0/registry/packages/acme/"):
            return _json(200, self.published.get(path.rpartition("/")[2], []))
        return USUAL.get(where) or _json(404, {"error": {"message": "There is nothing."}})

    @property
    def steps(self) -> list[str]:
        """What the registry was asked for, without the names of versions."""
        return [f"{method} {path}" for method, path in self.asked]


@contextmanager
def serving(double: Double) -> Generator[None]:
    class Handler(QuietHandler):
        def _reply(self) -> None:
            body = self.read_body()
            sent = {name.lower(): value for name, value in self.headers.items()}
            status, headers, content = double.answer(self.command, self.path, sent, body)
            if not status:
                self.wfile.write(content)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _reply

    with served_handler(Handler) as double.url:
        yield


@pytest.fixture
def double() -> Generator[Double]:
    made = Double()
    with serving(made):
        yield made


@dataclass
class Ended:
    code: int
    printed: str


def publish(double: Double, environment: Mapping[str, str], *files: Path, **options: Any) -> Ended:
    lines: list[str] = []
    wanted = PublishOptions(double.url, files=[str(each) for each in files], **options)
    home = {"BALLERINA_HOME_DIR": "/nowhere"}
    code = run(wanted, {**home, **environment}, lines.append, double.slept.append)
    return Ended(code, "\n".join(lines))


def packed(folder: Path, coordinate: str = "acme/greet:1.0.0", *needs: str) -> Path:
    file = folder / f"{re.sub('[/:]', '-', coordinate)}.bala"
    file.write_bytes(bala(coordinate, dependencies=needs))
    return file


@pytest.fixture
def greet(tmp_path: Path) -> Path:
    return packed(tmp_path)


STEPS = [
    "POST /api/v1/dry-run",
    "POST /2.0/registry/packages",
    "GET /2.0/registry/packages/acme/greet",
]


def test_a_job_exchanges_checks_publishes_waits_and_ends_its_token(
    double: Double, greet: Path
) -> None:
    ended = publish(double, {"ID_TOKEN": ID_TOKEN, "GITLAB_CI": "true"}, greet)
    assert ended.code == 0, ended.printed
    assert double.steps == [
        "GET /api/v1/trusted-publishing/audience",
        "POST /api/v1/trusted-publishing/token",
        *STEPS,
        "DELETE /api/v1/trusted-publishing/token",
    ]
    assert json.loads(double.sent[1][1]) == {"org": "acme", "token": ID_TOKEN}
    assert all(headers["authorization"] == f"Bearer {JOB_TOKEN}" for headers, _ in double.sent[2:])
    assert f"Published acme/greet:1.0.0: {double.url}/packages/acme/greet/1.0.0" in ended.printed
    assert ID_TOKEN not in ended.printed
    assert JOB_TOKEN not in ended.printed


def test_a_stored_token_is_used_as_it_is_and_stays(double: Double, greet: Path) -> None:
    environment = {"BALLROOM_TOKEN": "blrm_stored", "GITEA_ACTIONS": "true"}
    ended = publish(double, environment, greet)
    assert ended.code == 0, ended.printed
    assert double.steps == STEPS
    assert "blrm_stored" not in ended.printed


def test_a_stored_token_may_end_with_a_line_break(double: Double, greet: Path) -> None:
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored\n"}, greet)
    assert ended.code == 0, ended.printed
    assert all(headers["authorization"] == "Bearer blrm_stored" for headers, _ in double.sent)


@pytest.mark.parametrize("token", ["blrm_sto\nred", "blrm_störed", "blrm_“stored”"])
def test_a_stored_text_that_is_no_token_is_neither_sent_nor_printed(
    double: Double, greet: Path, token: str
) -> None:
    ended = publish(double, {"BALLROOM_TOKEN": token}, greet)
    assert (ended.code, "BALLROOM_TOKEN is no access token." in ended.printed) == (FAILED, True)
    assert token not in ended.printed
    assert double.asked == []


def test_a_dry_run_publishes_nothing(double: Double, greet: Path) -> None:
    environment = {"ID_TOKEN": ID_TOKEN}
    assert publish(double, environment, greet, is_dry_run=True).code == 0
    assert double.published == {}
    assert double.steps[-1] == "DELETE /api/v1/trusted-publishing/token"


def test_a_list_that_the_token_may_not_read_is_not_waited_for_and_stops_nothing(
    double: Double, tmp_path: Path
) -> None:
    # A token that only publishes reads no private package, and gets the answer for a missing one.
    files = [packed(tmp_path, "acme/core:1.0.0"), packed(tmp_path)]
    for name in ("core", "greet"):
        unseen = _json(404, {"message": f"package not found: acme/{name}"})
        double.replies[f"GET /2.0/registry/packages/acme/{name}"] = [unseen] * 100
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files)
    assert ended.code == 0, ended.printed
    assert double.published == {"core": ["1.0.0"], "greet": ["1.0.0"]}
    assert "acme/core:1.0.0 is published. The token may not read it" in ended.printed
    assert sum(double.slept) <= 30


def test_a_package_that_is_listed_late_is_waited_for(double: Double, greet: Path) -> None:
    late = [_json(404, {"message": "package not found: acme/greet"}), *[_json(200, [])] * 20]
    double.replies["GET /2.0/registry/packages/acme/greet"] = late
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet)
    assert ended.code == 0, ended.printed
    assert len(double.slept) == 21
    assert "may not read" not in ended.printed


def test_nobody_waits_who_does_not_want_to(double: Double, greet: Path) -> None:
    assert publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet, waits=False).code == 0
    assert double.steps == STEPS[:2]


# --- Where the id token comes from ---------------------------------------------------------------


def program(folder: Path, name: str, text: str) -> str:
    """Write a program of an agent; return a PATH that has it."""
    file = folder / name
    file.write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def sources(double: Double, folder: Path) -> Mapping[str, Mapping[str, str]]:
    token_file = folder / "token"
    token_file.write_text(f"{ID_TOKEN}\n")
    google = double.url.removeprefix("http://")
    return {
        "GitHub": {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{double.url}/github?v=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
        },
        "Forgejo": {
            "GITHUB_ACTIONS": "true",
            "FORGEJO_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{double.url}/github",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
        },
        "GitLab": {"GITLAB_CI": "true", "ID_TOKEN": ID_TOKEN},
        "Azure DevOps": {
            "TF_BUILD": "True",
            "SYSTEM_OIDCREQUESTURI": f"{double.url}/azure",
            "SYSTEM_ACCESSTOKEN": "request",
        },
        "Buildkite": {"BUILDKITE": "true"},
        "CircleCI": {"CIRCLECI": "true"},
        "Bitbucket": {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_STEP_OIDC_TOKEN": ID_TOKEN},
        "Google Cloud": {"GCE_METADATA_HOST": google},
        "Kubernetes": {"ID_TOKEN_FILE": str(token_file)},
        "Jenkins": {"JENKINS_URL": "https://jenkins.example.org", "ID_TOKEN": ID_TOKEN},
    }


PROVIDERS = (
    "GitHub",
    "Forgejo",
    "GitLab",
    "Azure DevOps",
    "Buildkite",
    "CircleCI",
    "Bitbucket",
    "Google Cloud",
    "Kubernetes",
    "Jenkins",
)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_gives_its_id_token(
    double: Double, greet: Path, tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls"
    text = f"open({str(log)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
    text += f"print({ID_TOKEN!r}) if 'oidc' in sys.argv else sys.stdin.read()"
    for name in ("buildkite-agent", "circleci"):
        monkeypatch.setenv("PATH", program(tmp_path, name, text))
    environment = sources(double, tmp_path)[provider]
    ended = publish(double, environment, greet)
    assert ended.code == 0, ended.printed
    exchange = double.steps.index("POST /api/v1/trusted-publishing/token")
    assert json.loads(double.sent[exchange][1])["token"] == ID_TOKEN
    asked = [path for _, path in double.asked]
    calls = log.read_text() if log.exists() else ""
    quoted = "https%3A%2F%2Fballroom.example.org"
    match provider:
        case "GitHub":
            assert f"/github?v=2&audience={quoted}" in asked
        case "Forgejo":
            assert f"/github?audience={quoted}" in asked
        case "Azure DevOps":
            assert "/azure?api-version=7.1" in asked
        case "Buildkite":
            assert f"--audience {AUDIENCE} --claim organization_id,pipeline_id" in calls
            assert "redactor add" in calls
            assert "annotate --style success" in calls
        case "CircleCI":
            assert f'--root-issuer --claims {{"aud":"{AUDIENCE}"}}' in calls
        case "Google Cloud":
            assert any(f"audience={quoted}&format=full" in each for each in asked)
        case _:
            pass


@pytest.mark.parametrize(
    ("environment", "way_out"),
    [
        ({"GITHUB_ACTIONS": "true"}, "id-token: write"),
        ({"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true"}, "BALLROOM_TOKEN"),
        ({"GITHUB_ACTIONS": "true", "FORGEJO_ACTIONS": "true"}, "enable-openid-connect: true"),
        ({"TF_BUILD": "True", "SYSTEM_OIDCREQUESTURI": "x"}, "$(System.AccessToken)"),
        ({"GITLAB_CI": "true"}, "id_tokens: ID_TOKEN:"),
        ({"BITBUCKET_BUILD_NUMBER": "1"}, "oidc:"),
        ({"JENKINS_URL": "x"}, "withCredentials"),
        ({"GCE_METADATA_HOST": "127.0.0.1:9"}, "BALLROOM_TOKEN"),
        ({"ID_TOKEN_FILE": "/nowhere/token"}, "Mount the id token"),
    ],
    ids=lambda each: "" if isinstance(each, str) else " ".join(each),
)
def test_a_job_without_an_id_token_reads_what_it_lacks(
    double: Double, greet: Path, environment: Mapping[str, str], way_out: str
) -> None:
    ended = publish(double, environment, greet)
    assert ended.code == FAILED
    assert way_out in ended.printed
    assert double.published == {}


# --- Failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [f"{'x' * 64}.internal", "no\u3002\u3002host", "host:99999"])
def test_a_metadata_server_that_cannot_be_asked_gives_no_token(
    double: Double, greet: Path, host: str
) -> None:
    ended = publish(double, {"GCE_METADATA_HOST": host}, greet)
    assert ended.code == FAILED
    assert "This job has no id token" in ended.printed


def test_a_metadata_server_whose_answer_is_no_http_gives_no_token(
    double: Double, greet: Path
) -> None:
    path = "/computeMetadata/v1/instance/service-accounts/default/identity"
    double.replies[f"GET {path}"] = [NO_HTTP]
    google = double.url.removeprefix("http://")
    ended = publish(double, {"GCE_METADATA_HOST": google}, greet)
    assert ended.code == FAILED
    assert "This job has no id token" in ended.printed


def test_the_token_ends_also_after_a_failure(double: Double, greet: Path) -> None:
    refusal = {"message": "acme/greet:1.0.0 is already published."}
    double.replies["POST /2.0/registry/packages"] = [_json(409, refusal)]
    ended = publish(double, {"ID_TOKEN": ID_TOKEN}, greet)
    assert ended.code == FAILED
    assert "acme/greet:1.0.0 was not published: acme/greet:1.0.0 is already" in ended.printed
    assert double.steps[-1] == "DELETE /api/v1/trusted-publishing/token"


def test_a_run_that_is_refused_a_package_reads_why_and_publishes_nothing(
    double: Double, greet: Path
) -> None:
    why = "acme/greet asks for the environment release, and this run has none."
    answer = {"token": JOB_TOKEN, "refused": [{"package": "acme/greet", "why": why}]}
    double.replies["POST /api/v1/trusted-publishing/token"] = [_json(201, answer)]
    ended = publish(double, {"ID_TOKEN": ID_TOKEN}, greet)
    assert ended.code == FAILED
    assert why in ended.printed
    assert double.published == {}
    assert double.steps[-1] == "DELETE /api/v1/trusted-publishing/token"


def test_an_error_of_the_check_stops_before_anything_is_published(
    double: Double, tmp_path: Path
) -> None:
    finding = {"rule": "tool-taken", "severity": "error", "message": "The tool id is taken."}
    said = _json(200, {"findings": [finding], "mayPublish": False})
    double.replies["POST /api/v1/dry-run"] = [MAY_PUBLISH, said]
    files = packed(tmp_path, "acme/one:1.0.0"), packed(tmp_path, "acme/two:1.0.0")
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files)
    assert ended.code == FAILED
    assert "acme/two:1.0.0 may not be published. The tool id is taken." in ended.printed
    assert double.published == {}


@pytest.mark.parametrize(("may", "code"), [(True, 0), (False, FAILED)])
def test_a_registry_of_an_earlier_version_answers_the_check(
    double: Double, greet: Path, may: bool, code: int
) -> None:
    double.replies["POST /api/v1/dry-run"] = [_json(200, {"findings": [], "may_publish": may})]
    assert publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet).code == code


def test_a_warning_of_the_check_is_shown(double: Double, greet: Path) -> None:
    finding = {"rule": "version-too-low", "severity": "warning", "message": "Raise it."}
    said = _json(200, {"findings": [finding], "mayPublish": True})
    double.replies["POST /api/v1/dry-run"] = [said]
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet)
    assert ended.code == 0
    assert "acme/greet:1.0.0: warning: Raise it. (version-too-low)" in ended.printed


def test_a_busy_registry_is_asked_again_when_it_says_so(double: Double, greet: Path) -> None:
    busy = _json(503, {"error": {"message": "The issuer does not answer."}}, Retry_After="0")
    double.replies["POST /api/v1/trusted-publishing/token"] = [busy]
    double.replies["POST /2.0/registry/packages"] = [_json(429, {}, Retry_After="1")]
    ended = publish(double, {"ID_TOKEN": ID_TOKEN}, greet)
    assert ended.code == 0, ended.printed
    assert "The issuer does not answer. Trying again in" in ended.printed
    assert double.steps.count("POST /2.0/registry/packages") == 2
    assert double.slept == [1.0, 1.0]


def test_a_registry_whose_answer_is_no_http_is_asked_again(double: Double, greet: Path) -> None:
    double.replies["POST /api/v1/dry-run"] = [NO_HTTP]
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet)
    assert ended.code == 0, ended.printed
    assert f"{double.url} cannot be reached: no HTTP. Trying again in 1 second." in ended.printed


@pytest.mark.parametrize("host", ["a..b", "x y"])
def test_an_address_that_nothing_can_be_asked_at_is_one_sentence(greet: Path, host: str) -> None:
    elsewhere = Double(url=f"https://{host}")
    ended = publish(elsewhere, {"BALLROOM_TOKEN": "blrm_stored"}, greet)
    assert (ended.code, f"https://{host} cannot be reached: " in ended.printed) == (FAILED, True)


def test_a_registry_that_asks_for_hours_is_not_waited_for(double: Double, greet: Path) -> None:
    double.replies["POST /api/v1/dry-run"] = [_json(429, {}, Retry_After="7200")]
    assert publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet).code == FAILED


# --- Several packages ----------------------------------------------------------------------------


def test_packages_are_published_after_those_that_they_need(double: Double, tmp_path: Path) -> None:
    files = [
        packed(tmp_path, "acme/app:1.0.0", "acme/core:1.0.0", "acme/util:1.0.0"),
        packed(tmp_path, "acme/util:1.0.0", "acme/core:1.0.0"),
        packed(tmp_path, "acme/core:1.0.0"),
    ]
    core = _lacking("acme/util:1.0.0", "acme/core:1.0.0")
    both = _lacking("acme/app:1.0.0", "acme/core:1.0.0", "acme/util:1.0.0")
    double.replies["POST /api/v1/dry-run"] = [MAY_PUBLISH, core, both]
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files)
    assert ended.code == 0, ended.printed
    assert list(double.published) == ["core", "util", "app"]
    assert double.steps.count("POST /api/v1/dry-run") == 5  # Two are checked again.


def test_packages_of_the_go_toolchain_are_published_after_those_that_they_need(
    double: Double, tmp_path: Path
) -> None:
    files = [tmp_path / f"{name}.bala" for name in ("app", "core")]
    files[0].write_bytes(bala("acme/app:1.0.0", layout=4, dependencies=["acme/core:1.0.0"]))
    files[1].write_bytes(bala("acme/core:1.0.0", layout=4))
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files)
    assert ended.code == 0, ended.printed
    assert double.published == {"core": ["1.0.0"], "app": ["1.0.0"]}
    assert list(double.published) == ["core", "app"]


@pytest.mark.parametrize("file", sorted(GO_ARCHIVES), ids=lambda file: file.stem)
def test_what_the_go_toolchain_packs_is_read(file: Path) -> None:
    [archive] = read_archives([str(file)])
    assert file.name == f"{archive.org}-{archive.name}-any-{archive.version}.bala"
    assert (archive.org, archive.name) not in archive.needs


@pytest.mark.parametrize(
    "lacks",
    [
        ("acme/core:1.0.0", "acme/other:1.0.0"),
        ("acme/core:2.0.0",),
        ("acme/app:1.0.0",),
        (),
    ],
    ids=["another package", "another version", "one that is published later", "an unknown one"],
)
def test_a_package_that_lacks_what_is_not_published_before_it_stops_the_run(
    double: Double, tmp_path: Path, lacks: tuple[str, ...]
) -> None:
    files = [
        packed(tmp_path, "acme/core:1.0.0"),
        packed(tmp_path, "acme/util:1.0.0", "acme/core:1.0.0"),
        packed(tmp_path, "acme/app:1.0.0", "acme/util:1.0.0"),
    ]
    lacking = _lacking("acme/util:1.0.0", *lacks)
    double.replies["POST /api/v1/dry-run"] = [MAY_PUBLISH, lacking, MAY_PUBLISH]
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files)
    assert ended.code == FAILED
    assert "acme/util:1.0.0 may not be published. acme/util:1.0.0 depends on" in ended.printed
    assert list(double.published) == []


def _lacking(release: str, *others: str) -> Reply:
    """Return the answer of a dry run of a release whose dependencies are not in the registry."""
    message = (
        f"{release} depends on packages that are not in this registry: {', '.join(others)}. Push "
        "them first, or correct Dependencies.toml."
    )
    missing = {"rule": "missing-dependencies", "severity": "error", "message": message}
    return _json(200, {"findings": [missing], "mayPublish": False})


def test_the_first_failure_ends_the_run_and_says_what_is_published(
    double: Double, tmp_path: Path
) -> None:
    files = [packed(tmp_path, f"acme/{name}:1.0.0") for name in ("one", "two", "three")]
    published = (204, {}, b"")
    double.replies["POST /2.0/registry/packages"] = [published, _json(400, {"message": "No."})]
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files, waits=False)
    assert ended.code == FAILED
    assert "acme/two:1.0.0 was not published: No." in ended.printed
    assert "Published: acme/one:1.0.0." in ended.printed
    assert "Not published: acme/two:1.0.0, acme/three:1.0.0." in ended.printed


def test_what_cannot_be_published_is_said_before_anything_is_asked(
    double: Double, tmp_path: Path
) -> None:
    other = packed(tmp_path, "nova/greet:1.0.0")
    greet = packed(tmp_path)
    older = packed(tmp_path, "acme/greet:0.9.0")
    broken = tmp_path / "x.bala"
    empty = tmp_path / "y.bala"
    broken.write_bytes(b"PK")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("package.json", "[]")
    empty.write_bytes(content.getvalue())
    said = {
        "are both of acme/greet": [greet, older],
        "The packages are of acme and of nova.": [greet, other],
        "cannot be read as an archive": [broken],
        "names no package": [empty],
        "There is no file": [tmp_path / "*.bala"],
    }
    for sentence, files in said.items():
        ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, *files)
        assert (ended.code, sentence in ended.printed) == (FAILED, True), ended.printed
    ended = publish(double, {"BALLROOM_TOKEN": "blrm_stored"}, greet, organization="nova")
    assert "The packages are of nova and of acme." in ended.printed
    assert double.asked == []


def test_a_token_is_sent_only_over_https(greet: Path) -> None:
    elsewhere = Double(url="http://packages.example.org")
    ended = publish(elsewhere, {"BALLROOM_TOKEN": "blrm_stored"}, greet)
    assert "Others could read the token" in ended.printed


# --- Log and summary -----------------------------------------------------------------------------


def test_github_masks_the_tokens_and_shows_a_summary(
    double: Double, greet: Path, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    environment = {**sources(double, tmp_path)["GitHub"], "GITHUB_STEP_SUMMARY": str(summary)}
    ended = publish(double, environment, greet)
    lines = ended.printed.split("\n")
    assert f"::add-mask::{ID_TOKEN}" in lines
    assert f"::add-mask::{JOB_TOKEN}" in lines
    page = f"{double.url}/packages/acme/greet/1.0.0"
    assert summary.read_text() == f"### Ballroom\n\nPublished [acme/greet:1.0.0]({page})\n"


def test_azure_devops_masks_the_tokens_and_shows_a_summary(
    double: Double, greet: Path, tmp_path: Path
) -> None:
    environment = {
        **sources(double, tmp_path)["Azure DevOps"],
        "AGENT_TEMPDIRECTORY": str(tmp_path),
    }
    ended = publish(double, environment, greet)
    assert f"##vso[task.setsecret]{JOB_TOKEN}" in ended.printed
    found = re.search(r"##vso\[task\.uploadsummary\](\S+)", ended.printed)
    assert found
    assert "acme/greet:1.0.0" in Path(found[1]).read_text()


@pytest.mark.parametrize(
    ("environment", "beginning"),
    [
        ({"GITHUB_ACTIONS": "true"}, "::error title=Ballroom::"),
        ({"TF_BUILD": "True"}, "##vso[task.logissue type=error]"),
    ],
    ids=["GitHub", "Azure DevOps"],
)
def test_a_failure_is_shown_as_one_and_its_words_are_no_commands(
    double: Double, greet: Path, environment: Mapping[str, str], beginning: str
) -> None:
    said = {"message": "100% no ::add-path::x ##vso[task.setvariable variable=a]b t0ken"}
    double.replies["POST /api/v1/dry-run"] = [_json(400, said)]
    ended = publish(double, {**environment, "BALLROOM_TOKEN": "t0ken"}, greet)
    assert ended.code == FAILED
    commands = [each for each in ended.printed.split("\n") if each.startswith(("::", "##"))]
    failures = [each for each in commands if each.startswith(beginning)]
    assert failures
    assert [each for each in commands if "mask" not in each and "setsecret" not in each] == failures
    assert "##vso[task.setvariable" not in ended.printed
    shown = [each for each in ended.printed.split("\n") if "mask" not in each]
    assert not any("t0ken" in each for each in shown if "setsecret" not in each)


# --- From a terminal -----------------------------------------------------------------------------


def test_the_command_takes_the_token_of_the_login(
    double: Double, greet: Path, tmp_path: Path
) -> None:
    (tmp_path / "Settings.toml").write_text(
        '[[repository.maven]]\nid = "other"\nurl = "https://other.example.org/2.0/maven"\n'
        'accesstoken = "wrong"\n\n'
        f'[[repository.maven]]\nid = "ballroom"\nurl = "{double.url}/2.0/maven"\n'
        'username = "ann"\naccesstoken = "blrm_mine"\n'
    )
    without = dict.fromkeys(("CI", "TF_BUILD", "JENKINS_URL", "BALLROOM_TOKEN"))
    done = CliRunner().invoke(
        cli,
        ["publish", "--dry-run", str(greet), "--registry", double.url],
        env={**without, "BALLERINA_HOME_DIR": str(tmp_path)},
    )
    assert done.exit_code == 0, done.output
    assert "acme/greet:1.0.0: checked, nothing was found." in done.output
    assert double.steps == ["POST /api/v1/dry-run"]
    assert double.sent[0][0]["authorization"] == "Bearer blrm_mine"


# --- Sigstore bundles


def bundle_about(*archives: Path) -> bytes:
    digests = [sha256(each.read_bytes()).hexdigest() for each in archives]
    subjects = [{"name": "x", "digest": {"sha256": each}} for each in digests]
    payload = base64.b64encode(json.dumps({"subject": subjects}).encode()).decode()
    return json.dumps({"dsseEnvelope": {"payload": payload}}).encode()


def test_the_bundle_of_each_package_is_sent_with_it(double: Double, tmp_path: Path) -> None:
    app = packed(tmp_path, "acme/app:1.0.0")
    core = packed(tmp_path, "acme/core:1.0.0")
    lines = tmp_path / "attestation.jsonl"
    lines.write_bytes(bundle_about(core) + b"\n" + bundle_about(app) + b"\n")
    ended = publish(double, {"ID_TOKEN": ID_TOKEN}, app, core, provenance=[str(lines)])
    assert ended.code == 0, ended.printed
    bodies = zip(double.steps, (body for _, body in double.sent), strict=True)
    sent = list[tuple[str, Path]]()
    for step, body in bodies:
        for each in (app, core):
            if bundle_about(each) in body:
                sent.append((step, each))
                assert each.read_bytes() in body
    steps = ("POST /2.0/registry/packages", "POST /api/v1/dry-run")
    assert sorted(sent) == [(step, each) for step in steps for each in (app, core)]


def test_the_command_sends_a_bundle_with_a_dry_run(
    double: Double, greet: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(bundle_about(greet))
    without = dict.fromkeys(("CI", "TF_BUILD", "JENKINS_URL"))
    options = ["--dry-run", "--provenance", str(bundle), "--registry", double.url]
    done = CliRunner().invoke(
        cli, ["publish", str(greet), *options], env={**without, "BALLROOM_TOKEN": "blrm_mine"}
    )
    assert done.exit_code == 0, done.output
    assert double.steps == ["POST /api/v1/dry-run"]
    assert bundle_about(greet) in double.sent[0][1]


def test_a_package_without_its_bundle_is_not_published(double: Double, tmp_path: Path) -> None:
    app = packed(tmp_path, "acme/app:1.0.0")
    core = packed(tmp_path, "acme/core:1.0.0")
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle_about(core))
    ended = publish(double, {"ID_TOKEN": ID_TOKEN}, app, core, provenance=[str(file)])
    assert ended.code == 1
    assert f"No Sigstore bundle of --provenance is about {app}" in ended.printed
    assert double.asked == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"dsseEnvelope": {"payload": "?"}}'])
def test_a_file_without_a_bundle_is_said_before_anything_is_asked(
    double: Double, greet: Path, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(content)
    ended = publish(double, {"ID_TOKEN": ID_TOKEN}, greet, provenance=[str(file)])
    assert ended.code == 1
    assert double.asked == []
