"""The rule about secrets: an archive with one is refused, unless an owner lists the file."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidRequest, printable
from shared.domain.publishing_rules import Effect, EffectiveRules, RuleFinding
from shared.domain.secret_forms import MAX_LOOKALIKES, FoundSecret, FoundSecrets

RULE = "secret-in-archive"
MAX_LISTED = 100  # Files that an organization lists.
MAX_LISTED_LENGTH = 300  # Characters of one.
_SHOWN = 3  # Secrets in a sentence.
_LISTED = re.compile(r"(?:(?P<org>[\w]+)/)?(?P<name>[\w.*?]+):(?P<path>.+)|(?P<any>[^:]+)")


class AllowedFile(Struct, frozen=True):
    """Files that may look as if they had secrets: a glob of paths in the archives of packages."""

    name: str  # Of the package, as a glob.
    path: str

    @classmethod
    def parse(cls, text: str) -> "AllowedFile":
        """Read `NAME:PATH`, `ORG/NAME:PATH`, or a path in the archive of any package; raise
        `InvalidRequest`."""
        found = _LISTED.fullmatch(text) if len(text) <= MAX_LISTED_LENGTH else None
        if found is None:
            message = (
                f"{printable(text)} names no files. Write the package and a path in its archive, "
                "such as greet:resources/test-key.pem, or a path with * for all packages."
            )
            raise InvalidRequest(message)
        return cls(found["name"] or "*", found["path"] or found["any"])

    def has(self, package: Package, path: str) -> bool:
        return fnmatchcase(package.name, self.name) and fnmatchcase(path, self.path)


def parse_allowed_files(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the files that an owner lists, or raise `InvalidRequest`."""
    lines = list(dict.fromkeys(each.strip() for each in texts if each.strip()))
    if len(lines) > MAX_LISTED:
        message = f"{MAX_LISTED} files can be listed. Combine some with *, such as greet:tests/*."
        raise InvalidRequest(message)
    for each in lines:
        AllowedFile.parse(each)
    return tuple(lines)


def searched_files(suspects: Sequence[str], package: Package, rules: EffectiveRules) -> list[str]:
    """Return which of the files that may have secrets have to be searched."""
    if not rules.secrets.value:
        return []
    allowed = [AllowedFile.parse(each) for each in rules.secrets_allowed]
    return [path for path in suspects if not any(each.has(package, path) for each in allowed)]


def secret_findings(
    found: FoundSecrets, coordinate: Coordinate, rules: EffectiveRules
) -> Iterator[RuleFinding]:
    """Yield what the rule says of the secrets that the searched files have."""
    org = coordinate.package.org
    if found.secrets:
        first = found.secrets[0]
        yield _refusal(
            rules.secrets.whose,
            f"{coordinate} has {places_text(found)}, and whoever pulls it could use that. Revoke "
            "it, remove it and pack again; if it is only an example, an owner of "
            f"{org} lists the file as {coordinate.package.name}:{first.path} in the rules of {org}",
        )
    elif found.are_too_many:
        yield _refusal(
            rules.secrets.whose,
            f"{coordinate} has more than {MAX_LOOKALIKES:,} texts that begin like a secret, more "
            f"than are looked at. Remove them and pack again, or let an owner of {org} list the "
            f"files in the rules of {org}",
        )


def unread_finding(reason: str, coordinate: Coordinate, rules: EffectiveRules) -> RuleFinding:
    """Return what the rule says of an archive that cannot be searched, for a reason that is the end
    of a sentence."""
    org = coordinate.package.org
    return _refusal(
        rules.secrets.whose,
        f"{coordinate} cannot be searched for secrets: {reason}. Shorten the files that have texts "
        f"like keys or tokens, or let an owner of {org} list them in the rules of {org}",
    )


def places_text(found: FoundSecrets) -> str:
    """Return where secrets are, such as `a private key in tests/key.pem, line 1, and 3 more`."""
    shown = "; ".join(map(place_text, found.secrets[:_SHOWN]))
    more = found.count - len(found.secrets[:_SHOWN])
    return shown + (f"; and {more:,} more" if more > 0 else "")


def place_text(secret: FoundSecret) -> str:
    return f"{secret.form} in {printable(secret.path)}, line {secret.line:,}"


def _refusal(whose: str, message: str) -> RuleFinding:
    return RuleFinding(RULE, Effect.REFUSE, whose, f"By the rules of {whose}: {message}.")
