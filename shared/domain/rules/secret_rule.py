"""The rule about secrets: an archive with one is refused, unless an owner lists the file."""

from collections.abc import Iterator, Sequence

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import printable
from shared.domain.publishing_rules import EffectiveRules, RuleEffect, RuleFinding
from shared.domain.searched_files import AllowedFile
from shared.domain.secret_forms import MAX_LOOKALIKES, FoundSecret, FoundSecrets
from shared.domain.sentences import named

SECRET_IN_ARCHIVE = "secret-in-archive"  # noqa: S105 - the code of a finding.
_SHOWN = 3  # Secrets in a sentence.


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
    places = [place_text(each) for each in found.secrets[:_SHOWN]]
    return named(places, _SHOWN, "; ", count=found.count)


def place_text(secret: FoundSecret) -> str:
    return f"{secret.form} in {printable(secret.path)}, line {secret.line:,}"


def _refusal(whose: str, message: str) -> RuleFinding:
    return RuleFinding(
        SECRET_IN_ARCHIVE, RuleEffect.REFUSE, whose, f"By the rules of {whose}: {message}."
    )
