"""The registry under uvicorn as it is installed, as docs/run/self-hosting.md says."""

from pathlib import Path
from threading import Thread

import httpx
import pytest
import uvicorn

from shared.hosting.http_server.server import bind
from shared.localhost import prepare_data_folder
from shared.settings import Settings
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


def test_the_registry_runs_under_uvicorn_as_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLROOM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BALLROOM_LOG_LEVEL", "error")
    prepare_data_folder(Settings.load())
    config = uvicorn.Config(
        "shared.localhost:application",
        factory=True,
        interface="asgi3",
        lifespan="on",
        ws="none",
        proxy_headers=False,
        log_config=None,
    )
    server = uvicorn.Server(config)
    bound = bind("127.0.0.1", 0)
    thread = Thread(target=server.run, args=([bound],))
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive())
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        assert httpx.get(f"{url}/health/ready").status_code == 200
        assert "No package" in httpx.get(f"{url}/search?q=greet").text
    finally:
        server.should_exit = True
        thread.join()
        bound.close()
