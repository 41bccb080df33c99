"""The files, the leaves and the keys of a log in memory, and a writer that can be killed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.domain.errors.base import Unavailable
from shared.domain.transparency.checkpoints import require_later
from shared.domain.transparency.notes import NoteSignature, SignedNote
from shared.domain.transparency.tiles import require_same
from shared.domain.transparency.tree_edge import Extension
from shared.ports.transparency import ConsistencyProver


class Killed(BaseException):
    """The process died here."""


@dataclass
class FakeLogFiles:
    """A `LogFiles` in dictionaries. `changed` is called before and after each change, with its
    name; it may raise `Killed`."""

    published: dict[str, bytes] = field(default_factory=dict[str, bytes])
    staged_files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    reads: list[str] = field(default_factory=list[str])
    changed: Callable[[str], None] = lambda _: None

    async def write_once(self, path: str, content: bytes) -> None:
        self.changed("before write")
        require_same(path, self.published.setdefault(path, content), content)
        self.changed("after write")

    async def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        return self.published.get(path)

    async def publish_checkpoint(self, path: str, content: bytes) -> None:
        self.changed("before checkpoint")
        require_later(self.published.get(path), content)
        self.published[path] = content
        self.changed("after checkpoint")

    async def delete_partials(self, path: str) -> None:
        self.changed("before delete")
        for each in [each for each in self.published if each.startswith(f"{path}.p/")]:
            del self.published[each]
            self.changed("during delete")

    async def stage(self, name: str, content: bytes) -> None:
        self.changed("before stage")
        self.staged_files[name] = content
        self.changed("after stage")

    async def staged(self, name: str) -> bytes | None:
        return self.staged_files.get(name)

    async def list_staged(self) -> list[str]:
        return sorted(self.staged_files)

    async def discard(self, name: str) -> None:
        self.changed("before discard")
        self.staged_files.pop(name, None)
        self.changed("after discard")


@dataclass
class FakeLeaves:
    """A `LeafSource` of a list."""

    entries: list[bytes] = field(default_factory=list[bytes])
    complete: bool = True

    async def leaves(self, after: int, count: int) -> list[bytes]:
        return self.entries[after : after + count]

    async def is_complete(self) -> bool:
        return self.complete


@dataclass
class FakeSeeds:
    """A `LogSeeds` of a list; empty where the vault does not answer."""

    keys: list[bytes]

    async def seeds(self) -> Sequence[bytes]:
        if not self.keys:
            raise Unavailable("busy", "The vault does not answer.")
        return self.keys


class NoProofs:
    """Keeps no proof of a release; entries of tests are no releases."""

    async def add(self, note: SignedNote, extension: Extension) -> None: ...


@dataclass
class FakeKeeper:
    """A `CheckpointKeeper` of a dictionary, by the sizes before."""

    notes: dict[int, SignedNote] = field(default_factory=dict[int, SignedNote])

    async def add(self, note: SignedNote, *, after: int) -> None:
        self.notes.setdefault(after, note)


class NoCosigners:
    """The `Cosigners` of a log without witnesses."""

    async def cosign(
        self,
        checkpoint: SignedNote,
        prove: ConsistencyProver,
    ) -> tuple[NoteSignature, ...]:
        return ()
