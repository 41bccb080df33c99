"""Bodies that are small to send and large to read: refused or read, and never a crash."""

import json
from collections.abc import Iterator

import pytest

from tests.protocol.bal.okhttp import BOUNDARY, multipart
from tests.protocol.central.answers import STATUSES, refused
from tests.security.limits import UNREACHED_LIMITS
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World

TARGETS = [
    ("POST", "/packages/resolve-dependencies"),
    ("POST", "/packages/resolve-modules"),
    ("POST", "/tools/resolve-dependencies"),
    ("PUT", "/packages/deprecate/acme/greet/1.0.0"),
    ("PUT", "/packages/undeprecate/acme/greet/1.0.0"),
    ("POST", f"{URL}/api/v1/tokens"),
]
DEEP = 20_000  # The largest body has room for as many objects.


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry for all of them: what is refused changes nothing."""
    return await shared_worlds(**UNREACHED_LIMITS)


def bombs() -> Iterator[object]:
    """Yield bodies that are made to exhaust their reader."""
    yield pytest.param(b"[" * DEEP, id="open lists")
    yield pytest.param(b"[" * DEEP + b"]" * DEEP, id="deep lists")
    yield pytest.param(b'{"a":' * DEEP + b"1" + b"}" * DEEP, id="deep objects")
    yield pytest.param(b'{"packages":' + b"[" * DEEP + b"]" * DEEP + b"}", id="deep packages")
    yield pytest.param(b'{"packages":[' + b"{}," * 40_000 + b"{}]}", id="many packages")
    yield pytest.param(b'{"modules":[' + b"{}," * 40_000 + b"{}]}", id="many modules")
    yield pytest.param(b'{"tools":[' + b"{}," * 40_000 + b"{}]}", id="many tools")
    yield pytest.param(b'{"message":"' + b"x" * 120_000 + b'"}', id="long text")
    yield pytest.param(b'{"name":"' + b"x" * 120_000 + b'","scopes":[]}', id="long name")
    yield pytest.param(b'{"days":' + b"9" * 100_000 + b"}", id="long number")
    yield pytest.param(b'{"days":1e999999}', id="infinite number")
    yield pytest.param(b'{"days":NaN,"packages":NaN}', id="not a number")
    many = ",".join(f'"k{number}":1' for number in range(10_000))
    yield pytest.param(f"{{{many}}}".encode(), id="many keys")
    yield pytest.param(b'{"message":"\\ud800"}', id="half a character")
    yield pytest.param(b'{"message":"\xff\xfe"}', id="no UTF-8")
    yield pytest.param(json.dumps({"message": "x"}).encode("utf-16"), id="UTF-16")
    name = {"org": "a" * 40_000, "name": "b" * 40_000, "version": "1" * 40_000}
    yield pytest.param(json.dumps({"packages": [name]}).encode(), id="long names")
    module = {"organization": "a", "moduleName": ".".join("a" * 50_000)}
    yield pytest.param(json.dumps({"modules": [module]}).encode(), id="deep module name")
    possible = [{"org": "a", "name": f"n{number}"} for number in range(3_500)]
    asked = [{"organization": "a", "moduleName": "b", "possiblePackages": possible}]
    yield pytest.param(json.dumps({"modules": asked}).encode(), id="many candidates")
    # Half a character, which JSON can escape and no answer can echo.
    half = b'{"org":"\\ud800","name":"\\ud800","version":"\\ud800","id":"\\udfff"}'
    yield pytest.param(b'{"packages":[' + half + b"]}", id="half a character in a package")
    yield pytest.param(b'{"tools":[' + half + b"]}", id="half a character in a tool")
    module = b'{"organization":"acme","moduleName":"\\udc00\\ud800"}'
    yield pytest.param(b'{"modules":[' + module + b"]}", id="half a character in a module")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[1].removeprefix(URL))
@pytest.mark.parametrize("body", [*bombs()])
async def test_a_body_that_is_a_bomb_is_no_fault_of_ours(
    world: World, target: tuple[str, str], body: bytes
) -> None:
    method, path = target
    answer = await world.send(method, path, by=world.people.ann, content=body)
    assert answer.status_code in (STATUSES - {500, 503}) | {201, 403, 409, 413}


def part(name: bytes, headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="' + name + b'"\r\n'
    return b"--" + BOUNDARY.encode() + b"\r\n" + disposition + headers + b"\r\n\r\n"


@pytest.mark.parametrize(
    "unusual",
    [
        pytest.param(part(b"x") * 10_000, id="many parts"),
        pytest.param(part(b"bala-file", b"X: y\r\n" * 10_000), id="many headers"),
        pytest.param(part(b"bala-file", b"X: " + b"y" * 100_000 + b"\r\n"), id="a long header"),
    ],
)
async def test_a_form_is_not_read_on_when_no_client_sends_such_a_one(
    world: World, unusual: bytes
) -> None:
    body = unusual + multipart("x.bala", bala())
    shown = refused(await world.upload(body, by=world.people.ann), 400)
    assert shown.endswith("Send the bala alone, as the part bala-file.")
