"""The files of a log that ended are copied when a registry moves."""

import pytest

from shared.domain.transparency.log_states import FormerLog
from shared.domain.transparency.notes import NoteSigner
from shared.services.transparency.ended_logs import copy_ended_log
from tests.fakes.transparency import FakeLogFiles
from tests.support.killable_log import SEED, LogOfTest
from tests.support.log_checker import ORIGIN, checked_log


async def ended(size: int) -> tuple[FormerLog, FakeLogFiles]:
    log = LogOfTest()
    log.happens(size)
    await log.writer().write()
    state = await log.state()
    return FormerLog(state.origin, state.folder, state.checkpoint), log.files


async def entries_of(files: FakeLogFiles) -> list[bytes]:
    async def read(path: str) -> bytes | None:
        return files.published.get(f"log/{path}")

    return await checked_log(read, ORIGIN, NoteSigner(ORIGIN, SEED).verifier.public)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
async def test_all_of_it_is_copied_and_a_repeat_changes_nothing(size: int) -> None:
    former, source = await ended(size)
    target = FakeLogFiles()
    for _ in range(2):
        await copy_ended_log(former, source, target)
        assert target.published == source.published
    assert len(await entries_of(target)) == size


async def test_what_is_missing_stays_missing() -> None:
    former, source = await ended(700)
    del source.published["log/tile/0/001"]
    target = FakeLogFiles()
    await copy_ended_log(former, source, target)
    assert target.published == source.published


async def test_a_log_that_never_had_a_checkpoint_has_no_files() -> None:
    target = FakeLogFiles()
    await copy_ended_log(FormerLog(ORIGIN, "log", ""), FakeLogFiles(), target)
    assert target.published == {}
