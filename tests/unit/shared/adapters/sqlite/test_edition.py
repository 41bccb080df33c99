"""On one machine, an edition knows of every change, or that it does not."""

from shared.adapters.sqlite.edition import ChangesSince, EmbeddedEdition
from shared.runtime.editions import EVERYTHING

GREET = "acme/greet"
OTHER = "acme/other"


class Machine:
    """The stores of one machine, and the edition of a process that looked at them once."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.other_writes = 0
        self.is_known = True
        self.broken = False
        self.edition = EmbeddedEdition(self._version, self._since)
        self.edition.start_poll()

    def _version(self) -> tuple[int, int]:
        return len(self.written), self.other_writes

    def _since(self, position: int | None) -> ChangesSince:
        if self.broken:
            raise OSError
        is_known = self.is_known and position is not None
        return ChangesSince(len(self.written), self.written[position:] if is_known else None)


async def test_on_one_machine_a_write_drops_its_package_and_no_other() -> None:
    machine = Machine()
    edition = machine.edition
    number = machine.edition.number
    machine.written.append(GREET)
    assert await edition.poll()
    assert not edition.is_unchanged_since(number, {GREET, OTHER})
    assert edition.is_unchanged_since(number, {OTHER})
    assert edition.is_unchanged_since(edition.number, {GREET})


async def test_on_one_machine_any_write_drops_what_depends_on_everything() -> None:
    machine = Machine()
    edition = machine.edition
    number = machine.edition.number
    assert edition.is_unchanged_since(number, {GREET, EVERYTHING})
    machine.other_writes += 1
    assert edition.is_current()
    assert not edition.is_unchanged_since(number, {EVERYTHING})
    assert edition.is_unchanged_since(number, {GREET})


async def test_on_one_machine_changes_that_are_not_known_drop_everything() -> None:
    machine = Machine()
    number = machine.edition.number
    machine.is_known = False
    machine.written.append(GREET)
    assert machine.edition.is_current()
    assert not machine.edition.is_unchanged_since(number, {OTHER})


async def test_stores_that_do_not_answer_confirm_nothing_and_are_asked_again() -> None:
    machine = Machine()
    number = machine.edition.number
    machine.written.append(GREET)
    machine.broken = True
    assert not await machine.edition.poll()
    machine.broken = False
    assert await machine.edition.poll()
    assert not machine.edition.is_unchanged_since(number, {GREET})
