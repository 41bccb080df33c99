"""The parts of uvicorn that are not its interface and that shared/hosting/http_server relies on.

`Connection` overrides parts of uvicorn's protocol and reads its state, so pyproject.toml names the
versions whose parts were read. To add one: install it, read what changed in each part that fails
here, run tests/unit/shared/hosting and tests/protocol/host, write the new digests, and drop the
versions whose parts differ.
"""

import hashlib
import inspect
import tomllib
from importlib.metadata import version
from types import FunctionType
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

from tests.paths import ROOT

# The digests below are those of every version in this range.
OLDEST = "0.53"
NEXT_MINOR = "0.55"

# The first twelve digits of the SHA-256 of its source.
PARTS: dict[Any, str] = {
    HttpToolsProtocol.__init__: "4f0899941034",  # The state that is read.
    HttpToolsProtocol.connection_made: "6efb565ff3d3",  # Takes our transport for its own.
    HttpToolsProtocol.connection_lost: "c91a4c9bf2e2",  # Sets `parser` to None.
    HttpToolsProtocol._unset_keepalive_if_required: "00a6a4e47214",  # Overridden: at each piece.
    HttpToolsProtocol.data_received: "010a7ae59a5d",  # Replaced: limits of a head.
    HttpToolsProtocol.eof_received: "5652627579a0",  # Overridden: half-closed connections.
    HttpToolsProtocol.send_400_response: "ae5a4a3782b6",  # Overridden: a refusal has no body.
    HttpToolsProtocol.on_message_begin: "96d377fdc7c2",  # Extended: the phase begins.
    HttpToolsProtocol.on_url: "37be44e962b0",  # Collects `url`.
    HttpToolsProtocol.on_header: "65d62c044f61",  # Overridden: limits, and no trailers.
    HttpToolsProtocol.on_headers_complete: "1ea8589acfad",  # Extended: answers that need no task.
    HttpToolsProtocol._start_asgi_task: "9c08c2571ae9",  # Called for the next request.
    HttpToolsProtocol.on_body: "dba9c32aeba3",  # Extended: the body of a request that is answered.
    HttpToolsProtocol.on_message_complete: "1fbad42dc31f",  # Replaced: notes the end.
    HttpToolsProtocol.on_response_complete: "64e254f28e38",  # Overridden: no timer.
    HttpToolsProtocol.shutdown: "d7351fa33f00",  # Closes by `cycle` and `transport`.
    HttpToolsProtocol.pause_writing: "17a8fd215d96",  # Extended with the time.
    HttpToolsProtocol.resume_writing: "7844bbaa8cce",  # The same.
    RequestResponseCycle: "e67d470d435d",  # Its state is read; it writes a head in one piece.
    FlowControl: "126debcdaa89",  # `read_paused`, `write_paused` and `resume_reading`.
    ServerState: "f2260fbf1015",  # `connections`, `default_headers` and `total_requests`.
    Server.on_tick: "60ea49b06ccf",  # Makes `default_headers`, calls `callback_notify`.
}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__qualname__)
def test_a_private_part_of_uvicorn_has_not_changed(part: FunctionType) -> None:
    source = inspect.getsource(part)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == PARTS[part]


def test_the_range_of_uvicorn_is_the_versions_with_these_parts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [each for each in project["dependencies"] if each.startswith("uvicorn")] == [
        f"uvicorn>={OLDEST},<{NEXT_MINOR}"
    ]
    major, minor, _ = map(int, version("uvicorn").split("."))
    assert f"{major}.{minor + 1}" == NEXT_MINOR
