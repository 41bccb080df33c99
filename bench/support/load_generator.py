"""Load: wrk over loopback for a bounded time, and its figures."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
WARM_SECONDS = 1
SECONDS = 5


@dataclass(frozen=True)
class Load:
    """The result of a load."""

    per_second: float
    requests: int
    p50_ms: float
    p99_ms: float
    failures: int

    def __str__(self) -> str:
        """Return the figures as a table shows them."""
        failed = f" ({self.failures} failed)" if self.failures else ""
        return (
            f"{self.per_second:9,.0f}/s  p50 {self.p50_ms:6.2f}  p99 {self.p99_ms:7.2f} ms{failed}"
        )


def load(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    connections: int = CONNECTIONS,
    seconds: int = SECONDS,
    warm_seconds: int = WARM_SECONDS,
) -> Load:
    """Send the same request over and over, after a time of warming up."""
    if warm_seconds:
        _measure(url, headers or {}, body, connections, warm_seconds)
    return _measure(url, headers or {}, body, connections, seconds)


def load_each(
    url: str,
    paths: Sequence[str],
    *,
    headers: Mapping[str, str] | None = None,
    connections: int = CONNECTIONS,
    seconds: int = SECONDS,
    warm_seconds: int = WARM_SECONDS,
    anew: bool = False,
) -> Load:
    """Request one path after the other; `anew` makes each a URL that was never requested, with a
    header that no earlier request had: our host repeats an answer if no Function reads the query.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "paths"
        listed.write_text("\n".join(paths))
        output = ""
        for measured in filter(None, (warm_seconds, seconds)):
            script = Path(folder) / "each.lua"
            first = time.time_ns() % 1_000_000_007
            url_of, header = (_NEW_URL, _NEW_HEADER) if anew else ("path", "")
            script.write_text(_EACH.format(paths=listed, first=first, url=url_of, header=header))
            options = [*_headers(headers or {}), "-s", str(script)]
            output = _run(url, options, connections, measured)
    return _read(output)


_NEW_URL = 'path .. (path:find("?", 1, true) and "&" or "?") .. "n=" .. asked'

_NEW_HEADER = 'wrk.headers["Pragma"] = tostring(asked)'

_EACH = """\
local paths, asked = {{}}, {first}
for line in io.lines("{paths}") do paths[#paths + 1] = line end
request = function()
  asked = asked + 1
  local path = paths[asked % #paths + 1]
  {header}
  return wrk.format("GET", {url})
end
"""


def require_wrk() -> None:
    """Raise `SystemExit` with the way out when the load generator is missing."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing. Install it: apt-get install wrk.")


def _measure(
    url: str, headers: Mapping[str, str], body: bytes | None, connections: int, seconds: int
) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        script = ["-s", str(_script(Path(folder), body))] if body is not None else []
        return _read(_run(url, [*_headers(headers), *script], connections, seconds))


def _headers(headers: Mapping[str, str]) -> list[str]:
    return [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]


def _run(url: str, options: Sequence[str], connections: int, seconds: int) -> str:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    done = subprocess.run(
        [*command, *options, url], capture_output=True, text=True, check=True, timeout=seconds + 60
    )
    return done.stdout


def _script(folder: Path, body: bytes) -> Path:
    (folder / "body").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\n'
        f'local file = io.open("{folder / "body"}", "rb")\n'
        'wrk.body = file:read("*a")\nfile:close()\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
    )
    return script


def _read(output: str) -> Load:
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return Load(
        per_second=float(_find(r"Requests/sec:\s+([\d.]+)", output)),
        requests=int(_find(r"(\d+) requests in ", output)),
        p50_ms=_milliseconds(_find(r"\n\s+50%\s+(\S+)", output)),
        p99_ms=_milliseconds(_find(r"\n\s+99%\s+(\S+)", output)),
        failures=int(failed[1]) if failed else 0,
    )


def _find(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    if found is None:
        message = f"wrk said nothing like {pattern}:\n{output}"
        raise RuntimeError(message)
    return found[1]


def _milliseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if found is None:
        message = f"wrk gave a time that is none: {text}"
        raise RuntimeError(message)
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}[found[2]]
