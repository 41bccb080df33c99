"""Zip files written byte by byte, for what no packer, or only some packers, write."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

DEFLATED = 8
DESCRIBED = 1 << 3
UTF8 = 1 << 11

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry; `local` and `central` replace fields of one header alone."""

    name: str | bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = UTF8
    needed: int = 20
    attributes: int = 0
    extra: bytes = b""  # In both headers.
    comment: bytes = b""
    packed: bytes | None = None  # Instead of what `content` packs to.
    before: bytes = b""  # In front of the local header.
    descriptor: bytes | None = None  # None: the right one, where the flags ask for it.
    after: bytes = b""
    local: Fields = field(default_factory=dict[str, Any])
    central: Fields = field(default_factory=dict[str, Any])
    omitted: str = ""  # "local" or "central": this header is not written.


def described(name: str, content: bytes = b"", **more: Any) -> Member:
    """Return a member as streams write it: no sizes in front, a descriptor behind."""
    flags = UTF8 | DESCRIBED
    local = {"crc": 0, "packed": 0, "size": 0, **more.pop("local", {})}
    return Member(name=name, content=content, flags=flags, local=local, **more)


def extra_field(kind: int, value: bytes) -> bytes:
    return struct.pack("<2H", kind, len(value)) + value


def descriptor(member: Member, signature: bytes = b"PK\x07\x08", form: str = "<3I") -> bytes:
    """Return the descriptor of `member`, with its signature or without, in 32 or 64 bits."""
    values = _values(member)
    return signature + struct.pack(form, values["crc"], values["packed"], values["size"])


def raw_zip(members: Iterable[Member], **end: Any) -> bytes:
    """Return the zip of `members`; `end` replaces fields of the end record or adds bytes.

    `prefix` and `suffix` stand around everything, `gap` and `tail` around the directory; the
    offsets do not know of the prefix unless `moved` says how far they move.
    """
    body = b""
    directory = b""
    count = 0
    for member in members:
        start = len(body) + len(member.before) + end.get("moved", 0)
        body += member.before + _local(member) + member.after
        if member.omitted != "central":
            directory += _central(member, start)
            count += 1
    body += end.get("gap", b"")
    record = _end_record(len(body) + end.get("moved", 0), len(directory), count, end)
    around = (end.get("prefix", b""), end.get("tail", b""), end.get("suffix", b""))
    return around[0] + body + directory + around[1] + record + around[2]


def members_of(files: Mapping[str, bytes | str]) -> list[Member]:
    """Return plain members for the files of a bala."""
    return [
        Member(name=name, content=data.encode() if isinstance(data, str) else data)
        for name, data in files.items()
    ]


def replaced(members: Iterable[Member], name: str, **changes: Any) -> list[Member]:
    """Return `members` with one of them changed."""
    return [replace(each, **changes) if each.name == name else each for each in members]


# --- the records -------------------------------------------------------------------------------


def _packed(member: Member) -> bytes:
    if member.packed is not None:
        return member.packed
    if member.method != DEFLATED:
        return member.content
    return _deflated(member.content)


@lru_cache(maxsize=16)  # A member is packed for each of its headers, and many have one content.
def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def _values(member: Member) -> dict[str, int]:
    crc = zlib.crc32(member.content)
    packed = len(_packed(member))
    return {"crc": crc, "packed": packed, "size": len(member.content)}


def _named(member: Member) -> bytes:
    return member.name.encode() if isinstance(member.name, str) else member.name


def _fields(member: Member, changes: Fields) -> dict[str, Any]:
    """Return the fields that both headers have."""
    fields: dict[str, Any] = {
        "signature": b"",  # The right one.
        "needed": member.needed,
        "flags": member.flags,
        "method": member.method,
        **_values(member),
        "name": _named(member),
        "extra": member.extra,
    }
    return fields | dict(changes)


def _local(member: Member) -> bytes:
    if member.omitted == "local":
        return b""
    of = _fields(member, member.local)
    header = _LOCAL.pack(
        of["signature"] or b"PK\x03\x04",
        of["needed"],
        of["flags"],
        of["method"],
        0,
        33,
        of["crc"],
        of["packed"],
        of["size"],
        len(of["name"]),
        len(of["extra"]),
    )
    behind = member.descriptor
    if behind is None:
        behind = descriptor(member) if member.flags & DESCRIBED else b""
    return header + of["name"] + of["extra"] + _packed(member) + behind


def _central(member: Member, start: int) -> bytes:
    of: dict[str, Any] = {"start": start, "disk": 0} | _fields(member, member.central)
    header = _CENTRAL.pack(
        of["signature"] or b"PK\x01\x02",
        20,
        of["needed"],
        of["flags"],
        of["method"],
        0,
        33,
        of["crc"],
        of["packed"],
        of["size"],
        len(of["name"]),
        len(of["extra"]),
        len(member.comment),
        of["disk"],
        0,
        member.attributes,
        of["start"],
    )
    return header + of["name"] + of["extra"] + member.comment


def _end_record(start: int, size: int, count: int, end: Mapping[str, Any]) -> bytes:
    comment = end.get("comment", b"")
    return (
        _END.pack(
            b"PK\x05\x06",
            end.get("disk", 0),
            end.get("start_disk", 0),
            end.get("here", end.get("count", count)),
            end.get("count", count),
            end.get("directory_size", size),
            end.get("directory_start", start),
            end.get("comment_length", len(comment)),
        )
        + comment
    )
