"""POMs: the few lines that a Maven repository says of an artifact; every client sends the same."""

from xml.parsers import expat

from shared.domain.errors import FileTooLarge, PomDiffers, PomUnreadable
from shared.domain.markup import document, leaf
from shared.domain.names import Coordinate

MAX_BYTES = 64 * 1024  # What `bal` sends has about 500; of Maven's own, some have 10 KiB.

_NAMESPACE = "http://maven.apache.org/POM/4.0.0"
_NAMES = ("groupId", "artifactId", "version")


def pom_of(coordinate: Coordinate) -> bytes:
    """Return the POM that stands beside a bala."""
    package = coordinate.package
    lines = [
        leaf("modelVersion", "4.0.0"),
        leaf("groupId", package.org),
        leaf("artifactId", package.name),
        leaf("version", coordinate.version),
        leaf("packaging", "bala"),
    ]
    inside = "".join(f"  {line}\n" for line in lines)
    return document(f'<project xmlns="{_NAMESPACE}">\n{inside}</project>')


def require_pom(content: bytes, coordinate: Coordinate) -> None:
    """Refuse a POM that cannot be read, or that is another artifact's."""
    if len(content) > MAX_BYTES:
        what = "POM"
        raise FileTooLarge(what, len(content), MAX_BYTES)
    named = _Reader().read(content)
    org, name, version = (named.get(each, "") for each in _NAMES)
    if f"{org}/{name}".lower() != coordinate.package.key or version != coordinate.version.text:
        raise PomDiffers(f"{org}/{name}:{version}", coordinate)


class _Reader:
    """Reads the texts directly below the root, and lets no declaration in: those can be bombs."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._texts: dict[str, str] = {}

    def read(self, content: bytes) -> dict[str, str]:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, ValueError, LookupError):
            reason = "it is not well-formed XML"
            raise PomUnreadable(reason) from None
        return {name: text.strip() for name, text in self._texts.items()}

    def _begin(self, name: str, _attributes: object) -> None:
        self._path.append(name)

    def _end(self, _name: str) -> None:
        self._path.pop()

    def _text(self, text: str) -> None:
        if len(self._path) == 2 and self._path[0] == "project":  # noqa: PLR2004 - <project><x>.
            name = self._path[1]
            self._texts[name] = self._texts.get(name, "") + text

    def _doctype(self, *_declaration: object) -> None:
        reason = "it has a DOCTYPE"
        raise PomUnreadable(reason)
