"""Invoke the Function of `logging_app` at once by each name, and print what the root logger of the
worker would send to the host: `logging_host.py NAME…`.

The worker of Python 3.13 is two programs. The library that runs Functions is the real one. The
other one, which speaks with the host, is no package. It sends each record of the root logger with
its level, its logger as the category, and the id of the invocation that began last, as this one
does (workers/proxy_worker/dispatcher.py of Azure/azure-functions-python-worker, 2026).
"""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = str(ROOT / "tests/worker/logging_app")
sys.path[:0] = [FOLDER, str(ROOT)]

from tests.worker import driver  # noqa: E402 - found by the path above.


class HostLog(logging.Handler):
    """Keeps what the worker would send to the host."""

    def __init__(self) -> None:
        super().__init__()
        self.last_begun = ""
        self.sent: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        from azure_functions_runtime import invocation_id_cv  # type: ignore[import-not-found]

        self.sent.append(
            {
                "message": record.getMessage(),
                "level": record.levelname.lower(),
                "category": record.name,
                "invocation": self.last_begun,
                "invocation_of_the_library": invocation_id_cv.get(),
            }
        )


async def _main(names: list[str]) -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    await driver._load(FOLDER)
    log = HostLog()
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(log)

    async def invoke(name: str) -> None:
        log.last_begun = name
        await driver._answer(_request(name))

    await asyncio.gather(*(invoke(name) for name in names))
    print(json.dumps(log.sent), file=answers, flush=True)


def _request(name: str) -> dict[str, Any]:
    """Return a request whose invocation has the same name."""
    return {
        "function": "log_lines",
        "invocation": name,
        "params": {"name": name},
        "method": "GET",
        "target": f"/log/{name}",
        "headers": [["host", "registry.test"]],
        "body": "",
    }


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
