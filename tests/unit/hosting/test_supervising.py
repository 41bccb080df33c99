"""What comes before the first request comes in its order, and what stands in the way stops it."""

import socket
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from shared.hosting.errors import CertificateUnusable, FolderUnwritable, PortInUse
from shared.hosting.serving import Certificate
from shared.hosting.supervising import Plan, serve


@dataclass
class Start:
    """Notes how far a start came."""

    steps: list[str] = field(default_factory=list[str])

    def prepare(self) -> None:
        self.steps.append("prepare")

    def interrupted(self) -> None:
        raise KeyboardInterrupt

    def announce(self) -> None:
        self.steps.append("announce")


def plan(folder: Path, **changes: object) -> Plan:
    made = Plan("127.0.0.1", 0, folder, build=_nothing, worker_command=_nobody)
    return replace(made, **changes)  # type: ignore[arg-type]


def _nothing() -> ASGIApp:
    pytest.fail("an application was made")


def _nobody(_descriptor: int) -> list[str]:
    pytest.fail("a worker was started")


def test_ctrl_c_in_the_first_start_ends_it_without_a_word(tmp_path: Path) -> None:
    start = Start()
    with pytest.raises(SystemExit, match="130") as ended:
        serve(plan(tmp_path), start.interrupted, start.announce)
    assert ended.value.__cause__ is None
    assert not start.steps


def test_nothing_is_prepared_for_a_certificate_that_is_none(tmp_path: Path) -> None:
    start = Start()
    with pytest.raises(CertificateUnusable):
        serve(
            plan(tmp_path, certificate=Certificate(tmp_path / "none.pem")),
            start.prepare,
            start.announce,
        )
    assert not start.steps


def test_nothing_is_prepared_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    start = Start()
    with pytest.raises(FolderUnwritable):
        serve(plan(tmp_path / "file" / "data"), start.prepare, start.announce)
    assert not start.steps


def test_nothing_is_announced_that_another_program_serves(tmp_path: Path) -> None:
    start = Start()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))

        def lose_the_race() -> None:
            start.prepare()
            other.listen()

        with pytest.raises(PortInUse):
            serve(plan(tmp_path, port=other.getsockname()[1]), lose_the_race, start.announce)
    assert start.steps == ["prepare"]
