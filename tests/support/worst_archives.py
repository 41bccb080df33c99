"""The archives that cost the most to read, as strangers may push them, and where each is worst."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.archives import bala, noise

# Fragments that made a lexer slow, or that open what never ends.
FRAGMENTS = ("=", "(", "<", "a ", "\\", '"', "$", "# ")
LINE_CHARACTERS = 25_000
UNION_MODULES = 24
UNIONS = 25  # Of each of those modules, and their members.
CYCLES = 500

# A suffix of each lexer that files are highlighted with.
SUFFIXES = (
    "bal",
    "bash",
    "c",
    "console",
    "cpp",
    "cs",
    "css",
    "diff",
    "dockerfile",
    "go",
    "graphql",
    "html",
    "http",
    "ini",
    "java",
    "js",
    "json",
    "kt",
    "ps1",
    "properties",
    "proto",
    "py",
    "rs",
    "sql",
    "toml",
    "ts",
    "xml",
    "yaml",
)


@dataclass(frozen=True)
class WorstArchive:
    """A release, and what of it is asked for besides its own pages."""

    name: str
    make: Callable[[str], bytes]
    version: str = "1.0.0"
    symbols: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # Paths, and folders.

    @property
    def coordinate(self) -> str:
        return f"acme/{self.name}:{self.version}"

    @property
    def archive(self) -> bytes:
        return self.make(self.coordinate)


def _source_of(name: str, source: str) -> Callable[[str], bytes]:
    return lambda coordinate: bala(coordinate, entries={f"modules/{name}/main.bal": source})


def _lines(count: int, line: str) -> str:
    return "".join(line.format(at=at) for at in range(count))


def _files_of_lexers() -> dict[str, str]:
    return {
        f"resources/{at}.{language}": fragment * (LINE_CHARACTERS // len(fragment))
        for language in SUFFIXES
        for at, fragment in enumerate(FRAGMENTS)
    }


def _blocks(languages: Iterable[str]) -> str:
    blocks = (
        f"```{each}\n{fragment * (LINE_CHARACTERS // len(fragment))}\n```\n"
        for each in languages
        for fragment in FRAGMENTS[:2]
    )
    return "\n".join(blocks)


def _lexers(coordinate: str) -> bytes:
    blocks = _blocks(("ini", "console"))
    commented = "".join(f"# {each}\n" for each in blocks.splitlines())
    return bala(
        coordinate,
        readme=blocks,
        entries={
            "modules/lexers/main.bal": f"{commented}public type A int;\n",
            "docs/CHANGELOG.md": blocks,
            **_files_of_lexers(),
        },
    )


def unions(coordinate: str, count: int = UNIONS) -> bytes:
    """Return modules of small records, and of as many unions of all of them."""
    names = [f"m{at}" for at in range(UNION_MODULES - 1)]
    source = _lines(count, "public type R{at} record {{ int a; }};\n")
    union = "|".join(f"R{at}" for at in range(count))
    source += "".join(f"public type U{at} {union};\n" for at in range(count))
    paths = ["unions", *(f"unions.{each}" for each in names)]
    return bala(
        coordinate, modules=names, entries={f"modules/{each}/main.bal": source for each in paths}
    )


def _entries(coordinate: str) -> bytes:
    """Return as many files as an archive may have, and one that is as large as may be sent."""
    files: dict[str, bytes | str] = {f"resources/{at:05}.txt": "" for at in range(19_900)}
    files["resources/large.txt"] = noise(3 << 20).hex()
    files["resources/long.bal"] = _lines(14_000, "int a{at} = {at};\n")
    return bala(coordinate, entries=files)


def _texts(coordinate: str) -> bytes:
    """Return texts of a megabyte each, and manifests as long as they may be."""
    return bala(
        coordinate,
        readme=_lines(
            14_000, "Some *words* with `code` and [a link](https://example.com/{at}).\n\n"
        ),
        entries={"docs/CHANGELOG.md": _lines(28_000, "## 1.0.{at}\n\n- A *change* {at}\n\n")},
        keywords=[f"keyword{at}" for at in range(100)],
        authors=[f"Author {at} <author@example.com>" for at in range(50)],
        dependencies=[f"other/p{at}:1.0.0" for at in range(100)],
    )


_TYPE = "# One of many.\npublic type T{at} record {{ T{at}? next; int value = {at}; }};\n"
_OTHER_TYPE = "# Another of many.\npublic type S{at} record {{ string name = ``; S{at}[] all; }};\n"
_CONSTANT = "public const int C{at} = {at};\n"
_CYCLE = "public type C{at} record {{ *C{next}; C{other} a; }};\npublic type D{at} C{at}|D{next};\n"
_SIGNATURE = ", ".join(f"map<string|int?>[] parameter{at} = []" for at in range(25_000))


def _cycles(coordinate: str) -> bytes:
    lines = (
        _CYCLE.format(at=at, next=(at + 1) % CYCLES, other=(7 * at) % CYCLES)
        for at in range(CYCLES)
    )
    return _source_of("cycles", "".join(lines))(coordinate)


SMALL = WorstArchive("small", bala, symbols=("greet",), files=("modules/small/small.bal",))


def worst_archives(*, types: int = 3_800, declarations: int = 84_000) -> tuple[WorstArchive, ...]:
    """Return the archives; by default with as many declarations as an archive may have, and with
    types whose documentation takes most of what the confined process may take."""
    return (
        WorstArchive(
            "types",
            _source_of("types", _lines(types, _TYPE)),
            symbols=("T1", "missing"),
            files=("modules/types/main.bal",),
        ),
        WorstArchive(
            "types", _source_of("types", _lines(types, _OTHER_TYPE)), "2.0.0", symbols=("S1",)
        ),
        WorstArchive(
            "declarations",
            _source_of("declarations", _lines(declarations, _CONSTANT)),
            symbols=("C1", "missing"),
        ),
        WorstArchive("unions", unions, symbols=("U1",)),
        WorstArchive("cycles", _cycles, symbols=("C1", "D1")),
        WorstArchive(
            "signature",
            _source_of("signature", f"public function f({_SIGNATURE}) {{}}\n"),
            symbols=("f",),
            files=("modules/signature/main.bal",),
        ),
        WorstArchive(
            "entries",
            _entries,
            files=("", "resources", "resources/large.txt", "resources/long.bal"),
        ),
        WorstArchive("texts", _texts, files=("docs/README.md", "docs/CHANGELOG.md")),
    )


# Lexers take minutes for this one, which the confined process refuses.
LEXERS = WorstArchive(
    "lexers",
    _lexers,
    symbols=("A",),
    files=("resources", *(f"resources/0.{each}" for each in SUFFIXES)),
)
