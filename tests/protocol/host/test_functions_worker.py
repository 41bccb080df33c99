"""Our host and the worker of the Functions host give the same answers.

The worker is production's own, in an environment of its own; it takes Python 3.13. The half of the
Functions host that is not Python, the routing, is played by ours for both.
"""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from functions.central.double_slash import ROUTE as DOUBLED_ROUTE
from functions.faces import build_app
from functions.host_functions import CATCH_ALL, EVERY_PATH, TIMER
from shared.bootstrap.build import build_registry
from shared.hosting.host import Host
from shared.hosting.requests import decode_path
from shared.hosting.triggers import functions_of
from shared.runtime.routing import Router
from shared.services.publishing.uploads import Upload
from shared.settings import Settings
from tests.paths import ROOT
from tests.run import find_python
from tests.support import sample_app
from tests.support.archives import bala
from tests.support.storage import one_machine
from tests.support.waiting import eventually
from tests.support.world import make_template
from tests.unit.shared.hosting.asgi import Exchange, scope

pytestmark = [pytest.mark.slow, one_machine("the worker serves a data folder")]

WORKER = ".venvs/worker"
BOUND_SECONDS = 300.0  # The first run installs.
URL = "http://registry.test"

OWN = {"x-request-id"}  # Of each answer alone.
WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class Ask:
    """A request that both get."""

    line: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def method(self) -> str:
        return self.line.split()[0]

    @property
    def target(self) -> str:
        return self.line.split()[1]

    @property
    def sent(self) -> dict[str, str]:
        length = {"content-length": str(len(self.body))} if self.body else {}
        return {**self.headers, **length}


FORM = {"content-type": "multipart/form-data; boundary=x"}
FORM_BODY = (
    b'--x\r\nContent-Disposition: form-data; name="org"\r\n\r\nacme\r\n'
    b'--x\r\nContent-Disposition: form-data; name="bala"; filename="a"\r\n\r\nPK\r\n--x--\r\n'
)
SAMPLE = [
    Ask("GET /"),
    Ask("GET /echo/acme/greet", {"accept": "a,b", "x-empty": ""}),
    Ask("GET /echo/acme/greet/1.0.0?q=a+b%20c&empty=&q=2"),
    Ask("POST /echo/acme/greet", {"content-type": "text/plain"}, bytes(range(256))),
    Ask("GET /echo/a%2Fb/greet"),
    Ask("GET /rest/a/b/"),
    Ask("GET /rest"),
    Ask("PATCH /any"),
    Ask("GET /echo_by_name"),
    Ask("GET /answer/text"),
    Ask("GET /answer/typed"),
    Ask("POST /answer/nothing"),
    Ask("HEAD /answer/length"),
    Ask("GET /fail/raise"),
]
REGISTRY = [
    Ask("GET /health/live"),
    Ask("GET /health/ready"),
    Ask("GET /2.0/registry/packages?q=greet&limit=5"),
    Ask("GET /2.0/registry/packages/acme/greet"),
    Ask("GET /2.0/registry/packages/acme/greet/1.0.0"),
    Ask("POST /2.0/registry/packages", FORM, FORM_BODY),
    Ask("POST /2.0/registry/packages/resolve-dependencies", body=b'{"packages": []}'),
    Ask("POST /2.0/registry/packages/resolve-dependencies", body=b"{"),
    Ask("GET /2.0/registry/packages", {"authorization": "Bearer nonsense"}),
    Ask("GET /index/acme/greet/index.json", {"if-none-match": "*"}),
    Ask("GET /2.0/maven/acme/greet/maven-metadata.xml", {"if-none-match": "*"}),
    Ask("GET /about/api", {"if-none-match": "*", "accept-encoding": "gzip"}),
]

# What the parameters of routes stand for, and a path for the templates with a pattern of their own.
VALUES = {
    "org": "acme",
    "name": "greet",
    "package": "greet",
    "module": "greet",
    "version": "1.0.0",
    "id": "greet",
    "path": "acme/greet/maven-metadata.xml",
    "scope": "public",
}
SPECIAL = {DOUBLED_ROUTE: "2.0/registry//search-packages"}


@dataclass(frozen=True)
class Served:
    """An app as both serve it."""

    app: func.FunctionApp
    folder: str
    environment: Mapping[str, str]

    @cached_property
    def router(self) -> Router[str]:
        return Router([(each.route, each.name) for each in functions_of(self.app).http])


@dataclass(frozen=True)
class Answer:
    """What can be compared of an answer."""

    status: int
    headers: Mapping[str, str]
    cookies: Sequence[Sequence[str]]
    body: str


@dataclass(frozen=True)
class Worker:
    """A running worker that has loaded an app."""

    served: Served
    process: subprocess.Popen[str]
    log: Path

    def index(self) -> dict[str, list[dict[str, Any]]]:
        """Return the Functions that the worker found, by name, with their bindings."""
        [found] = self.answers(["index"])
        return found

    def answers(self, shown: Sequence[Mapping[str, Any] | str]) -> list[dict[str, Any]]:
        """Return the answers to requests, as the host tells them to the worker."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(shown), file=self.process.stdin, flush=True)
        answered = self.process.stdout.readline()
        assert answered, self.log.read_text()
        return json.loads(answered)


@contextmanager
def started(python: str, served: Served, log: Path) -> Generator[Worker]:
    """Start the worker with an app, and end it."""
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [python, "tests/worker/driver.py", served.folder],
            cwd=ROOT,
            env={**os.environ, **served.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Worker(served, process, log)  # It ends with its input.


@pytest.fixture(scope="module")
def python() -> str:
    """Bring the environment of the worker up to its locks, and return its Python."""
    interpreter = find_python("3.13")
    if interpreter is None:
        pytest.skip("the worker of the Functions host takes Python 3.13, which is not here")
    for lock in ("requirements.txt", "infra/requirements.txt", "tests/worker/requirements.txt"):
        command = ["sh", ".ci/environment", lock, WORKER, interpreter]
        subprocess.run(command, cwd=ROOT, check=True, timeout=BOUND_SECONDS)
    return f"{WORKER}/bin/python"


@pytest.fixture(scope="module")
async def registry(python: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """Return a worker that has the registry, which most tests of this file share."""
    data = tmp_path_factory.mktemp("worker") / "data"
    template = await asyncio.to_thread(make_template, data)
    settings = Settings(data=data, url=URL)
    built = build_registry(settings)
    credentials = {"authorization": f"Bearer {template.people.ann.token}"}
    ann = await built.identity.authentication.authenticate(credentials)
    await built.publishing.releases.push(Upload(bala("acme/greet:1.0.0", tools=["greet"])), by=ann)
    await built.api_docs.queue.drain()
    app = build_app(built)
    proof = Ask("GET /api/v1/log/proof/acme/greet/1.0.0")
    # Both have to find the release in the log, and not one while it is being logged.
    while (await _our_answer(Host(app), proof)).status != 200:
        await built.maintenance.task_runner.run("freeze-leaves")
        await built.maintenance.task_runner.run("write-log")
        await asyncio.sleep(0.1)  # The process itself may be writing.
    environment = {"BALLROOM_DATA": str(data), "BALLROOM_URL": URL}
    with started(python, Served(app, ".", environment), data.with_name("log")) as worker:
        yield worker
    await built.close()


@pytest.mark.timeout(BOUND_SECONDS)
async def test_the_sample_app_gives_the_same_answers(python: str, tmp_path: Path) -> None:
    served = Served(sample_app.build_app(), "tests/worker", {})
    with started(python, served, tmp_path / "log") as worker:
        await _compare(worker, SAMPLE)


@pytest.mark.timeout(BOUND_SECONDS)
async def test_the_registry_gives_the_same_answers(registry: Worker) -> None:
    await _compare(registry, REGISTRY)


@pytest.mark.timeout(BOUND_SECONDS)
async def test_every_function_of_the_registry_gives_the_same_answers(registry: Worker) -> None:
    await _compare(registry, list(_asks_of(registry.served.app)))


async def test_every_answer_of_every_function_names_its_length(registry: Worker) -> None:
    asks = [*REGISTRY, *_asks_of(registry.served.app)]
    answers = _their_answers(registry, asks)
    # The host sends a body without a length in chunks, and clients refuse such an archive.
    unnamed = [
        ask.line
        for ask, each in zip(asks, answers, strict=True)
        if each.status not in WITHOUT_BODY and "content-length" not in each.headers
    ]
    assert unnamed == []


async def test_an_archive_has_its_length_in_full_in_part_and_without_a_body(
    registry: Worker,
) -> None:
    host = Host(registry.served.app)
    wanted = {"accept": "application/octet-stream"}
    pull = Ask("GET /2.0/registry/packages/acme/greet/1.0.0", wanted)
    path = (await _our_answer(host, pull)).headers["location"].removeprefix(URL)
    size = len(bala("acme/greet:1.0.0", tools=["greet"]))
    asks = [Ask(f"GET {path}"), Ask(f"HEAD {path}"), Ask(f"GET {path}", {"range": "bytes=0-9"})]
    answers = _their_answers(registry, asks)
    lengths = [(each.status, each.headers["content-length"]) for each in answers]
    assert lengths == [(200, str(size)), (200, str(size)), (206, "10")]
    assert [await _our_answer(host, each) for each in asks] == answers


async def test_a_body_in_chunks_is_refused_by_every_function_that_takes_one(
    registry: Worker,
) -> None:
    chunked = {"transfer-encoding": "chunked"}
    asks = [
        Ask(each.line, chunked)
        for each in _asks_of(registry.served.app)
        if each.method not in ("GET", "HEAD", "OPTIONS")
    ]
    assert len(asks) > 100
    answers = _their_answers(registry, asks)
    read = [ask.line for ask, each in zip(asks, answers, strict=True) if each.status != 411]
    assert read == ["POST /2.0/graphql"]  # Its errors have the status 200.
    assert all("no Content-Length" in each.body for each in answers)
    host = Host(registry.served.app)
    assert [await _our_answer(host, each) for each in asks] == answers


TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
ANOTHER = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_the_log_names_the_trace_of_the_host_whatever_a_client_sends(
    registry: Worker,
) -> None:
    ask = Ask("GET /health/live", {"traceparent": f"00-{ANOTHER}-{SPAN}-01"})
    [shown] = _shown(registry.served, [ask])
    answers = registry.answers([{**shown, "trace": f"00-{TRACE}-{SPAN}-00"}, shown])
    ids = [each["headers"]["x-request-id"] for each in answers]
    eventually(lambda: all(each in registry.log.read_text() for each in ids))
    requests = [each for each in registry.log.read_text().splitlines() if '"request"' in each]
    lines = {line["request_id"]: line for line in map(json.loads, requests)}
    traces = [(lines[each].get("trace_id"), lines[each].get("span_id")) for each in ids]
    assert traces == [(TRACE, SPAN), (None, None)]


def _asks_of(app: func.FunctionApp) -> Iterator[Ask]:
    """Yield a request for each method of each Function, by somebody without credentials."""
    for each in functions_of(app).http:
        for method in sorted(each.route.methods or {"GET"}):
            body = b"{}" if method in ("POST", "PUT") else b""
            path = _path_of(each.route.template.text).lstrip("/")  # The home page is at "/" itself.
            yield Ask(f"{method} /{path}", body=body)


def _path_of(template: str) -> str:
    """Return a path that the template takes, of the package that is there where it can."""
    if template in SPECIAL:
        return SPECIAL[template]
    return re.sub(r"\{\*?(\w+)[^{}]*\}", lambda found: VALUES.get(found[1], "x"), template)


def test_the_worker_takes_the_app_of_the_cloud_which_follows_a_change_feed(
    python: str, tmp_path: Path
) -> None:
    environment = {
        "BALLROOM_DATA": str(tmp_path),
        "BALLROOM_URL": URL.replace("http:", "https:"),
        "BALLROOM_COSMOS_ENDPOINT": "https://cosmos.test",
        "BALLROOM_BLOB_ENDPOINT": "https://blobs.test",
        "BALLROOM_LINK_KEY": "of tests: nobody outside will ever see what this one signs",
    }
    served = Served(func.FunctionApp(), ".", environment)
    with started(python, served, tmp_path / "log") as worker:
        assert worker.answers([]) == []
    assert worker.process.returncode == 0, worker.log.read_text()


def test_the_worker_indexes_a_catch_all_that_comes_last(registry: Worker) -> None:
    index = registry.index()
    assert max(index, key=str.lower) == CATCH_ALL
    trigger, _ = index[CATCH_ALL]
    assert (trigger["type"], trigger["route"]) == ("httpTrigger", EVERY_PATH)
    assert set(trigger["methods"]) == {each.value for each in func.HttpMethod}
    read = functions_of(registry.served.app)
    assert index.keys() == {each.name for each in [*read.http, *read.timers]}


UNKNOWN = [
    Ask("GET /search/more/and/more", {"accept": "text/html"}),
    Ask("GET /acme/greet"),
    Ask("GET /acme/greet/1.0.0?q=a//b"),
    Ask("HEAD /packages//acme/greet"),
    Ask("GET /2.0/nothing"),
    Ask("GET /api/v1/nothing"),
    Ask("DELETE /2.0/registry/packages/acme/greet"),
    Ask("PATCH /api/v1/orgs"),
    Ask("POST /", body=b"{}"),
    Ask("OPTIONS /packages/acme/greet"),
    Ask("POST /nothing", {"transfer-encoding": "chunked"}),
]


@pytest.mark.timeout(BOUND_SECONDS)
async def test_unknown_paths_and_methods_get_the_same_answers(registry: Worker) -> None:
    assert {each["function"] for each in _shown(registry.served, UNKNOWN)} == {CATCH_ALL}
    await _compare(registry, UNKNOWN)


@pytest.mark.timeout(BOUND_SECONDS)
async def test_the_catch_all_answers_what_another_function_serves(registry: Worker) -> None:
    asks = [*REGISTRY, *_asks_of(registry.served.app)]
    answered = registry.answers([_to_catch_all(each) for each in asks])
    expected = registry.answers(_shown(registry.served, asks))
    wrong = [
        ask.line
        for ask, one, other in zip(asks, answered, expected, strict=True)
        if _comparable(one) != _comparable(other)
    ]
    assert wrong == []


def _rest_of(ask: Ask) -> dict[str, str]:
    path = decode_path(ask.target.partition("?")[0].encode())[1:]
    return {"path": path} if path else {}


def _comparable(answer: Mapping[str, Any]) -> object:
    headers = {name for name in answer["headers"] if name not in OWN}
    return answer["status"], headers, re.sub(r"\d", "", _without_id(answer["body"]))


@pytest.mark.timeout(BOUND_SECONDS)
async def test_methods_in_small_letters_are_those_in_capitals(registry: Worker) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    asks = [
        Ask("POST /account/tokens", form, b"name=a"),
        Ask("POST /manage/accounts", form, b"name=a"),
        Ask("POST /2.0/registry//packages", FORM, FORM_BODY),
        Ask("POST /api/v1/orgs", {"transfer-encoding": "chunked"}),
        Ask("GET /manage/accounts"),
        Ask("GET /2.0/registry/packages/acme/greet"),
        Ask("HEAD /2.0/registry/packages/acme/greet"),
        Ask("HEAD /packages/acme/greet"),
        Ask("DELETE /nothing"),
        Ask("GET /acme/greet"),
    ]
    capitals = _shown(registry.served, asks)
    small = [{**each, "method": each["method"].lower()} for each in capitals]
    answers = registry.answers(small)
    expected = registry.answers(capitals)
    for ask, answered, wanted in zip(asks, answers, expected, strict=True):
        assert _comparable(answered) == _comparable(wanted), ask.line


# Why the registry cannot be started: settings of the app, files of its data folder, and modules
# whose import fails.
@dataclass(frozen=True)
class StartFault:
    """Something that makes a start fail."""

    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    file: str = ""
    unimportable: str = ""
    named: str = "it could not be started"


VALUE = "hidden-in-every-answer"
FAULTS = {
    "a setting": StartFault(
        {"BALLROOM_LINK_KEY": f"@Microsoft.KeyVault(SecretUri=https://{VALUE}.test/a)"},
        named="its setting BALLROOM_LINK_KEY cannot be used",
    ),
    "a folder that cannot be read": StartFault(file=f"{VALUE}"),
    "a store that raises": StartFault(file=f"{VALUE}/keys"),
    "a face": StartFault(unimportable="functions.maven.repository"),
    "the bootstrap": StartFault(unimportable="shared.bootstrap"),
    "the log": StartFault(unimportable="shared.telemetry.log"),
    "a library": StartFault(unimportable="pydantic"),
}
REFUSED = [
    Ask("GET /health/live"),
    Ask("GET /2.0/registry/packages/acme/greet"),
    Ask("POST /2.0/registry/packages", FORM, FORM_BODY),
    Ask("GET /"),
    Ask("OPTIONS /nothing"),
]


@pytest.mark.timeout(BOUND_SECONDS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_an_error_at_start_is_an_app_that_answers_503(
    fault: StartFault, python: str, tmp_path: Path
) -> None:
    if fault.file:
        (tmp_path / fault.file).parent.mkdir(exist_ok=True)
        (tmp_path / fault.file).touch()
    (tmp_path / "sitecustomize.py").write_text(REFUSING_IMPORTS.format(name=fault.unimportable))
    environment = {
        "BALLROOM_DATA": str(tmp_path / VALUE),
        "BALLROOM_URL": URL,
        "PYTHONPATH": str(tmp_path),
        **fault.settings,
    }
    served = Served(func.FunctionApp(), ".", environment)
    with started(python, served, tmp_path / "log") as worker:
        types = {name: {each["type"] for each in found} for name, found in worker.index().items()}
        assert types == {CATCH_ALL: {"httpTrigger", "http"}, TIMER: {"timerTrigger"}}
        answers = worker.answers([_to_catch_all(each) for each in REFUSED])
    for ask, answer in zip(REFUSED, answers, strict=True):
        assert (answer["status"], answer["headers"]["retry-after"]) == (503, "10"), ask.line
        assert fault.named in json.loads(answer["body"])["message"]
        assert VALUE not in answer["body"]
    lines = (tmp_path / "log").read_text()
    assert ("settings.refused" if fault.settings else "start.failed") in lines


# What a process imports first: it refuses one module.
REFUSING_IMPORTS = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{name}":
            raise ImportError(name)

sys.meta_path.insert(0, Finder())
"""


def _to_catch_all(ask: Ask) -> dict[str, Any]:
    """Return a request as the host tells it to an app that has the catch-all alone."""
    return {
        "function": CATCH_ALL,
        "params": _rest_of(ask),
        "method": ask.method,
        "target": ask.target,
        "headers": [["host", "registry.test"], *map(list, ask.sent.items())],
        "body": ask.body.decode("latin-1"),
    }


async def _compare(worker: Worker, asks: Sequence[Ask]) -> None:
    host = Host(worker.served.app)
    for ask in asks:
        # One after the other: a page says how long ago something was.
        [their] = _their_answers(worker, [ask])
        assert _timeless(await _our_answer(host, ask)) == _timeless(their), ask.line


def _timeless(answer: Answer) -> Answer:
    """Leave out when tasks are due: the two are asked at different times."""
    body = re.sub(r'"due":"[^"]*","overdue":\w+', '"due":"","overdue":false', answer.body)
    return replace(answer, body=body)


async def _our_answer(host: Host, ask: Ask) -> Answer:
    exchange = Exchange([ask.body], [])
    # Whom a request comes from is told by the front end of the real host, which nobody plays here.
    request = scope(ask.method, ask.target, ask.sent, client=None)
    await host(request, exchange.receive, exchange.send)
    headers = [(name.decode(), value.decode()) for name, value in exchange.sent[0]["headers"]]
    return Answer(
        exchange.status,
        {name: value for name, value in headers if name not in {*OWN, "set-cookie"}},
        [_cookie(value) for name, value in headers if name == "set-cookie"],
        _without_id(exchange.body.decode("latin-1")),
    )


def _cookie(header: str) -> list[str]:
    """Return the parts of a cookie, which the real host writes anew, with empty attributes."""
    return sorted(part.lower() for part in header.split("; ") if not part.endswith("="))


def _without_id(body: str) -> str:
    """Return the body of a page without the id of its request."""
    return re.sub(r"\b[0-9a-f]{16}\b", "", body)


def _their_answers(worker: Worker, asks: Sequence[Ask]) -> list[Answer]:
    answers = worker.answers(_shown(worker.served, asks))
    return [
        Answer(
            each["status"],
            {name: value for name, value in each["headers"].items() if name not in OWN},
            list(map(_cookie, each["cookies"])),
            # The server between worker and client sends no body for a HEAD.
            "" if ask.method == "HEAD" else _without_id(each["body"]),
        )
        for ask, each in zip(asks, answers, strict=True)
    ]


def _shown(served: Served, asks: Sequence[Ask]) -> list[dict[str, Any]]:
    """Return requests as the host tells them to the worker."""
    return [_invocation(served.router, ask) for ask in asks]


def _invocation(router: Router[str], ask: Ask) -> dict[str, Any]:
    """Return a request with the function that answers it and with its parameters."""
    found = router.match(ask.method, decode_path(ask.target.partition("?")[0].encode()))
    assert found is not None, ask.line
    function, params = found
    return {
        "function": function,
        "params": params,
        "method": ask.method,
        "target": ask.target,
        "headers": [["host", "registry.test"], *map(list, ask.sent.items())],
        "body": ask.body.decode("latin-1"),
    }
