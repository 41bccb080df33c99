"""Names that look alike: names that are drawn or spelled alike have a skeleton in common."""

import re
import unicodedata

from shared.domain.confusables import CONFUSABLES

# Lower-case letters that people read as a Latin one, whether fonts draw them alike or not.
_DRAWN_LIKE = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u03b5",
    "g": "\u0261\u0581",
    "h": "\u043d\u04bb\u0570",
    "i": "\u0456\u03b9\u0131\u0269",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u0142",
    "m": "\u043c",
    "n": "\u043f\u03b7\u0578",
    "o": "\u043e\u03bf\u03c3\u0585\u00f8",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433\u0280",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d",
    "v": "\u0475\u03bd",
    "w": "\u0461\u051d\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u04af\u03b3",
}
_LATIN = str.maketrans(
    {
        other: latin
        # If both tables have a letter, the second one applies.
        for table in (CONFUSABLES, _DRAWN_LIKE)
        for latin, others in table.items()
        for other in others
    }
)
# Drawn as another letter than their lower-case or plain form, so they are read before that is made.
_CAPITALS = str.maketrans(
    "\u0397\u039d\u03a5\u03d2\u03f2\u03f9\U000118c4\U000118c6\U000118d5\U000118dc", "hnyyccz76y"
)
_DIGITS = str.maketrans("015", "ols")
_STROKES = str.maketrans("i", "l")
_DOUBLED = re.compile(r"([^\W\d_])\1+")  # Only letters: team1 and team11 are two teams.


def skeletons(text: str) -> frozenset[str]:
    """Return the skeletons of `text`; none where it has neither letters nor digits."""
    folded = folded_of(text)
    if not folded:
        return frozenset()
    return frozenset({f"shape-{shape_of(folded)}", f"spelling-{spelling_of(folded)}"})


def folded_of(text: str) -> str:
    """Return letters and digits without case and accents, as Latin letters where possible."""
    # Twice: case folding can produce characters that decompose further.
    composed = unicodedata.normalize("NFKC", text.translate(_CAPITALS)).translate(_CAPITALS)
    plain = unicodedata.normalize("NFKD", composed.casefold())
    latin = plain.translate(_LATIN)
    return "".join(character for character in latin if character.isalnum())


def shape_of(folded: str) -> str:
    """Return one text for all folded names that are drawn alike: `m` for `rn`, `l` for `1`."""
    lower = folded.lower()
    return lower.replace("rn", "m").replace("vv", "w").translate(_DIGITS).translate(_STROKES)


def spelling_of(folded: str) -> str:
    """Return one text for all folded names that are spelled alike: without doubled letters, and
    with `o` for `0`."""
    return _DOUBLED.sub(r"\1", folded.lower()).translate(_DIGITS)
