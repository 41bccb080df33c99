"""Archives that look strange and are valid: clients, systems and packers differ in these things."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.security.hostile_archives import GREET, also, plain, unicode_path
from tests.support.archives import Spec, bala, files, zipped
from tests.support.raw_zip import (
    UTF8,
    Member,
    described,
    descriptor,
    extra_field,
    raw_zip,
    replaced,
)

_TIMES = extra_field(0x5455, b"\x03" + bytes(8))  # As Info-ZIP writes them: longer locally.
_CAFE = "docs/café.md".encode()
_TWICE_NAMED = Member(name=_CAFE, content=b"x", extra=unicode_path(_CAFE, _CAFE))
_END_LENGTH = 22
_SHORT_TIMES = extra_field(0x5455, b"\x03" + bytes(4))


@dataclass(frozen=True)
class Odd:
    """One archive that must be accepted."""

    name: str
    build: Callable[[], bytes]


def _each(**changes: Any) -> Callable[[], bytes]:
    """Return the builder of a bala with every member changed alike."""
    return lambda: raw_zip([replace(member, **changes) for member in plain()])


def _streamed() -> list[Member]:
    return [described(str(each.name), each.content) for each in plain()]


def _bare_descriptors() -> bytes:
    return raw_zip([replace(each, descriptor=descriptor(each, b"")) for each in _streamed()])


def _told_twice() -> bytes:
    """Return an archive whose local headers have sizes, and descriptors follow all the same."""
    return raw_zip([replace(each, local={}) for each in _streamed()])


def _unordered() -> bytes:
    """Return an archive whose directory lists the entries backwards."""
    members = plain()
    starts: dict[str | bytes, int] = {}
    for at in range(len(members)):
        packed = raw_zip(replace(each, omitted="central") for each in members[:at])
        starts[members[at].name] = len(packed) - _END_LENGTH
    backwards = [
        replace(each, omitted="local", central={"start": starts[each.name]})
        for each in reversed(members)
    ]
    return raw_zip([*(replace(each, omitted="central") for each in members), *backwards])


def _piped() -> bytes:
    """Return an archive as Info-ZIP packs from a pipe: with room for zip64 sizes, unused."""
    room = extra_field(1, bytes(16))
    return raw_zip(replaced(plain(), "package.json", local={"extra": room}))


def _windows() -> bytes:
    """Return a bala that was packed on Windows: paths inside its JSON have backslashes."""
    manifest = {"readme": "docs\\README.md", "icon": "docs\\icon.png"}
    return bala(GREET, manifest=manifest, icon=b"\x89PNG\r\n\x1a\n")


def _beginning(name: str, first: str) -> bytes:
    """Return a bala with another first manifest."""
    return zipped({**files(GREET, Spec(layout=2)), name: first})


def _without(name: str, **spec: Any) -> bytes:
    found = files(GREET, Spec(**spec))
    del found[name]
    return zipped(found)


def _marked(name: str) -> bytes:
    found = files(GREET, Spec())
    return zipped({**found, name: b"\xef\xbb\xbf" + str(found[name]).encode()})


def _tool_alone() -> bytes:
    found = files(GREET, Spec(tools=["greet"]))
    del found["modules/greet/greet.bal"]
    return zipped(found)


ODD: tuple[Odd, ...] = (
    Odd("descriptors", lambda: raw_zip(_streamed())),
    Odd("descriptors without a signature", _bare_descriptors),
    Odd("descriptors and sizes in front", _told_twice),
    Odd("stored entries", _each(method=0)),
    Odd("no UTF-8 flag", _each(flags=0)),
    Odd("the flags of maximum compression", _each(flags=UTF8 | 2)),
    Odd("Unix permissions", _each(attributes=0o100755 << 16)),
    Odd("extra fields that differ", _each(extra=_TIMES, central={"extra": _SHORT_TIMES})),
    Odd("an extra field that nobody knows", _each(extra=extra_field(0xCAFE, b""))),
    Odd("a Unicode path like the name", also(_TWICE_NAMED)),
    Odd("room for zip64 sizes", _piped),
    Odd("comments of entries", _each(comment=b"hello")),
    Odd("a directory in another order", _unordered),
    Odd("folders", also(Member(name="docs/"), Member(name="a/", attributes=0o40755 << 16 | 0x10))),
    Odd("stored folders", also(Member(name="a/", method=0), Member(name="a/b/", method=0))),
    Odd("a name in Chinese", also(Member(name="resources/你好.txt", content=b"x"))),
    Odd("an emoji of several characters", also(Member(name="docs/👩\u200d💻.md", content=b"x"))),
    Odd("an empty file", also(Member(name="a"), Member(name="b", method=0))),
    Odd("a file full of blanks", also(Member(name="a", content=bytes(1 << 20)))),
    Odd("an unknown entry", lambda: bala(GREET, entries={"META-INF/x/notes.txt": b"kept"})),
    Odd("an archive inside", lambda: bala(GREET, entries={"libs/a.jar": bala(GREET)})),
    Odd("names that begin alike", lambda: bala(GREET, entries={"a": b"", "a.b": b"", "ab/c": b""})),
    Odd("names of dots and waves", also(Member(name=".keep"), Member(name="a/long_name~1.txt"))),
    Odd("Windows paths", _windows),
    Odd("resources of layout 2", lambda: bala(GREET, layout=2, padding=9)),
    Odd("resources at the root in layout 3", lambda: bala(GREET, layout=3, padding=9)),
    Odd("Go without documentation", lambda: bala(GREET, layout=4, readme="")),
    Odd("no graph", lambda: _without("dependency-graph.json")),
    Odd("an old Ballerina", lambda: bala(GREET, ballerina_version="Ballerina 2.0.0")),
    Odd("balo_version", lambda: _beginning("bala.json", '{"balo_version": "2.0.0"}')),
    Odd("a layout to come", lambda: _beginning("bala.json", '{"bala_version": "7.1.0"}')),
    Odd("a byte order mark", lambda: _marked("package.json")),
    Odd("fields that nobody knows", lambda: bala(GREET, manifest={"x": [1, {"y": None}]})),
    Odd("a tool without a default module", _tool_alone),
    Odd("a list of tools", lambda: bala(GREET, tools=["greet", "greet.more"])),
)
