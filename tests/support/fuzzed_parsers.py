"""Each parser of what strangers send, with a valid input, and edits of that which it must survive.

An input is read or refused, in little time of the processor, and all together take little memory.
"""

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from graphql import GraphQLError
from msgspec import Struct

from functions.central.graphql_execution import parse_within_limits
from shared.domain.archives.bala import read_bala
from shared.domain.dependency_files import named_dependencies
from shared.domain.errors.base import Refusal
from shared.domain.mail_domains import parse_registration
from shared.ports.http_client import HttpResponse, Unanswered
from shared.prose.rendering import render_markdown
from shared.prose.text_links import TextPlace
from tests.support.archives import bala
from tests.support.edited_sources import case, fault_of
from tests.support.request_parsers import BODIES, TEXTS

MOST_SECONDS = 5.0  # Of the processor for an input; most take a millisecond.
MOST_BYTES = 512 * 1024 * 1024  # That the process grows by, caches of libraries included.
MOST_EDITS = 8
PIECES = (
    b"\x00",
    b"\xff",
    b'"',
    b"[" * 200,
    b"{" * 200,
    b"9" * 500,
    b"(",
    b"*",
    b"\n",
    b"a" * 5_000,
)

Read = Callable[[bytes], object]


class Parser(Struct, frozen=True):
    """A parser, the inputs that are edited, and what it may raise besides a refusal."""

    read: Read
    seeds: tuple[bytes, ...]
    may_raise: tuple[type[Exception], ...] = (Refusal,)


def _text(read: Callable[[str], object]) -> Read:
    return lambda content: read(content.decode("utf-8", "replace"))


def _registration(content: bytes) -> None:
    parse_registration(HttpResponse(200, {}, content).json_object())


def _source(content: bytes) -> None:
    fault = fault_of(case(int.from_bytes(content[-8:], "big")))
    assert fault is None, fault


_JSON = json.dumps({"name": "greet", "versions": ["1.0.0"], "in": {"a": [1, 2.5, None]}}).encode()
_FORM = b"name=greet&csrf=abc&scope=read&scope=push%20new"
_PART = (
    b'--b\r\nContent-Disposition: form-data; name="bala-file"; filename="x.bala"\r\n\r\n'
    b"PK\x03\x04\r\n--b--\r\n"
)
_TOML = b'[package]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n[[dependency]]\norg = "a"\n'
_MARKDOWN = b"# Greet\n\n| a | b |\n|---|---|\n| [x](y) | `z` |\n\n> * 1. **bold** <b onclick=x>\n"
_GRAPHQL = b'query { packages(q: "x", limit: 3) { name ... on P { versions(last: 2) { id } } } }'
_RDAP = b'{"status": ["active"], "events": [{"eventAction": "expiration", "eventDate": "2026"}]}'
_WORDS = (
    b"1.2.3-rc.1+b",
    b"bytes=0-9",
    b"acme/greet:1.0.0",
    b'org:acme (a OR "b c") -x',
    b"blr_x_y",
)

PARSERS: Mapping[str, Parser] = {
    "archive": Parser(read_bala, (bala("acme/greet:1.0.0"), bala("acme/greet:1.0.0", layout=4))),
    "dependency file": Parser(_text(named_dependencies), (_TOML,)),
    "Markdown": Parser(
        _text(lambda text: render_markdown(text, TextPlace("/files"))), (_MARKDOWN,)
    ),
    "GraphQL": Parser(_text(parse_within_limits), (_GRAPHQL,), (GraphQLError,)),
    "Ballerina source": Parser(_source, (b"\x00" * 8,)),
    "RDAP": Parser(_registration, (_RDAP,), (Unanswered,)),
    **{name: Parser(read, (_JSON, _FORM, _PART)) for name, read in BODIES.items()},
    **{name: Parser(_text(read), _WORDS) for name, read in TEXTS.items()},
}


def inputs(parser: Parser, seed: int) -> Iterator[bytes]:
    """Yield edited inputs without end; those of a seed are always the same."""
    chosen = random.Random(seed)  # noqa: S311  # Not for secrets.
    while True:
        content = bytearray(chosen.choice(parser.seeds))
        for _ in range(chosen.randint(1, MOST_EDITS)):
            _edit(content, chosen)
        yield bytes(content)


def _edit(content: bytearray, chosen: random.Random) -> None:
    start = chosen.randint(0, len(content))
    end = min(len(content), start + chosen.choice((0, 1, 2, 16, 200)))
    copied = chosen.randint(0, len(content))
    content[start:end] = chosen.choice(
        (
            b"",
            bytes([chosen.randrange(256)]),
            chosen.choice(PIECES),
            content[copied : copied + chosen.choice((4, 40, 400))] * chosen.choice((1, 1, 50)),
        )
    )


def fuzz(parser: Parser, seed: int, count: int, until: float = float("inf")) -> str | None:
    """Let a parser read inputs of a seed until that time (monotonic); say what went wrong."""
    before = _peak_bytes()
    for number, content in enumerate(islice(inputs(parser, seed), count)):
        begun = time.process_time()
        try:
            parser.read(content)
        except parser.may_raise:
            pass
        except Exception as error:  # A fault is told with its input.
            return f"input {number} of seed {seed}: {error!r}"
        seconds = time.process_time() - begun
        if seconds > MOST_SECONDS:
            return f"input {number} of seed {seed} took {seconds:.1f} seconds"
        if time.monotonic() > until:
            break
    grown = _peak_bytes() - before
    return f"seed {seed} took {grown:,} bytes" if grown > MOST_BYTES else None


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
