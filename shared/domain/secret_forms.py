"""The forms of secrets that everybody recognizes, such as keys of clouds, access tokens and private
keys, and how they are told from examples.

Each form begins with letters that few other texts have. They are looked for first, so that a text
without them costs little; what follows them is compared with a pattern of bounded length, and then
with what the form promises: a checksum, the structure of a key, or enough different characters.
"""

import base64
import binascii
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

Check = Callable[[re.Match[bytes]], bool]


MAX_SECRETS = 20  # Secrets of one archive that are named, because people look at the first ones.
MAX_COUNTED = 1_000  # Secrets of an archive; more of them change nothing.
MAX_LOOKALIKES = 150_000  # Texts of an archive that begin like a secret: a few seconds.

# No letter of its alphabet follows a token: a longer text is something else.
_END = rb"(?![0-9A-Za-z_-])"
_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What people write in the place of a secret, in lower case.
_MADE_UP = (
    b"example",
    b"sample",
    b"dummy",
    b"fake",
    b"placeholder",
    b"changeme",
    b"redacted",
    b"your",
    b"xxxx",
    b"0000",
    b"1234567",
    b"abcdef",
    b"....",
    b"****",
)
# The key of the emulators of Azure Storage, which their documentation publishes.
_EMULATORS = frozenset({b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"})
_MIN_KEY_BYTES = 32  # A private key of Ed25519; the structure around it has more.


class SecretForm(Struct, frozen=True):
    """A kind of secret: with which texts it begins, its pattern from there on, and what tells it
    from an example."""

    name: str  # As sentences have it, with its article.
    begins: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    check: Check


class FoundSecret(Struct, frozen=True):
    """Where a secret is; its text is not kept."""

    path: str
    line: int
    form: str


def has_entropy(least: float) -> Check:
    """Return a check for texts that look random: each character has at least `least` bits of
    entropy, and the text has nothing that people write in examples."""

    def check(found: re.Match[bytes]) -> bool:
        secret = found[found.lastindex or 0]
        lower = secret.lower()
        return entropy(secret) >= least and not any(each in lower for each in _MADE_UP)

    return check


def entropy(text: bytes) -> float:
    """Return the bits for each character of a text, by how often it has each."""
    counts = Counter(text).values()
    return -sum(each / len(text) * math.log2(each / len(text)) for each in counts)


def _has_checksum(found: re.Match[bytes]) -> bool:
    """Check the last characters of a token of GitHub, npm or this registry: the CRC-32 of those
    before."""
    number = zlib.crc32(found[1])
    digits = bytearray()
    for _ in found[2]:
        number, digit = divmod(number, len(_BASE62))
        digits.insert(0, _BASE62[digit])
    return bytes(digits) == found[2]


def _is_of_an_account(found: re.Match[bytes]) -> bool:
    """Check the number of the account that an id of AWS has in its letters."""
    if not _IS_RANDOM_ID(found):
        return False
    number = int.from_bytes(base64.b32decode(found[1])[:6], "big")
    return (number & 0x7FFF_FFFF_FF80) >> 7 < 10**12


def _is_storage_key(found: re.Match[bytes]) -> bool:
    return not any(found[1].startswith(each) for each in _EMULATORS) and _IS_RANDOM_KEY(found)


def _is_private_key(found: re.Match[bytes]) -> bool:
    """Check for a whole key behind the first line, and not dots or the beginning of one."""
    kind, text = found.groups()
    without_headers = _KEY_HEADERS.sub(b"", text)
    letters = re.sub(rb"\\[nr]|[^A-Za-z0-9+/=]", b"", without_headers).partition(b"=")[0]
    try:
        key = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        return False
    if len(key) < _MIN_KEY_BYTES or entropy(key) < _KEY_ENTROPY:
        return False
    if b"DEK-Info" in text or kind == b"PGP ":
        return True
    return key.startswith(b"openssh-key-v1\0") if kind == b"OPENSSH " else _is_whole_der(key)


def _is_whole_der(key: bytes) -> bool:
    """Check that a structure of ASN.1 is as long as its beginning says."""
    if key[0] != _SEQUENCE:
        return False
    if key[1] < _LONG_LENGTH:
        return len(key) >= 2 + key[1]
    count = key[1] - _LONG_LENGTH
    return 0 < count <= _LENGTH_BYTES and len(key) >= 2 + count + int.from_bytes(
        key[2 : 2 + count], "big"
    )


def _is_of_openai(found: re.Match[bytes]) -> bool:
    """Check for the beginning of the key before its middle, which is "OpenAI" in base64."""
    before = found.string[max(0, found.start() - 200) : found.start()]
    return re.search(rb"sk-[0-9A-Za-z_-]{20,190}$", before) is not None and _IS_RANDOM_END(found)


_SEQUENCE = 0x30
_LENGTH_BYTES = 2  # Bytes of a length field, which is enough for keys of up to 64 KiB.
_LONG_LENGTH = 0x80  # From here on a byte says how many bytes of length follow.
_KEY_HEADERS = re.compile(rb"(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,200}")
_KEY_ENTROPY = 3.5  # Bits for each byte; 48 random ones have 5.4, and structures less.
_IS_RANDOM_ID = has_entropy(2.75)
_IS_RANDOM_KEY = has_entropy(4.0)
_IS_RANDOM_END = has_entropy(3.4)


def _form(name: str, begins: Sequence[bytes], pattern: bytes, check: Check) -> SecretForm:
    return SecretForm(name, tuple(begins), re.compile(pattern), check)


FORMS: tuple[SecretForm, ...] = (
    _form(
        "a private key",
        (b"-----BEGIN ",),
        rb"-----BEGIN ((?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?)PRIVATE KEY(?: BLOCK)?-----"
        rb"((?:(?!-----)[\s\S]){40,16000})",
        _is_private_key,
    ),
    _form(
        "an access key of AWS",
        (b"AKIA", b"ASIA"),
        rb"(?<![0-9A-Za-z+/])A[KS]IA([A-Z2-7]{16})(?![0-9A-Za-z+/])",
        _is_of_an_account,
    ),
    _form(
        "a secret key of AWS",
        (b"ecret_access_key", b"ECRET_ACCESS_KEY", b"ecretAccessKey"),
        rb"(?i:ecret_?access_?key)[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?"
        rb"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        has_entropy(4.2),
    ),
    _form(
        "a key of Azure Storage",
        (b"AccountKey=",),
        rb"AccountKey=([A-Za-z0-9+/]{86}==)",
        _is_storage_key,
    ),
    _form(
        "a key of Google Cloud",
        (b"AIza",),
        rb"AIza([0-9A-Za-z_-]{35})" + _END,
        has_entropy(3.8),
    ),
    _form(
        "a client secret of Google",
        (b"GOCSPX-",),
        rb"GOCSPX-([0-9A-Za-z_-]{28})" + _END,
        has_entropy(3.6),
    ),
    _form(
        "an access token of GitHub",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
        rb"gh[pousr]_([0-9A-Za-z]{30})([0-9A-Za-z]{6})" + _END,
        _has_checksum,
    ),
    _form(
        "an access token of GitHub",
        (b"github_pat_",),
        rb"github_pat_([0-9A-Za-z]{22}_[0-9A-Za-z]{59})" + _END,
        has_entropy(4.2),
    ),
    _form(
        "an access token of npm",
        (b"npm_",),
        rb"npm_([0-9A-Za-z]{30})([0-9A-Za-z]{6})" + _END,
        _has_checksum,
    ),
    _form(
        "an access token of GitLab",
        (b"glpat-",),
        rb"glpat-([0-9A-Za-z_-]{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?)" + _END,
        has_entropy(3.4),
    ),
    _form(
        "an access token of PyPI",
        (b"pypi-AgEIcHlwaS5vcmc",),
        rb"pypi-AgEIcHlwaS5vcmc([0-9A-Za-z_-]{50,1000})",
        has_entropy(4.0),
    ),
    _form(
        "an access token of Slack",
        (b"xoxb-", b"xoxp-", b"xoxa-", b"xoxr-", b"xoxs-"),
        rb"xox[abprs]-(?:[0-9]{8,14}-){1,3}([0-9A-Za-z]{20,64})" + _END,
        has_entropy(3.2),
    ),
    _form(
        "the address of a webhook of Slack",
        (b"hooks.slack.com/services/T",),
        rb"hooks\.slack\.com/services/T[0-9A-Z]{6,12}/B[0-9A-Z]{6,12}/([0-9A-Za-z]{24})" + _END,
        has_entropy(3.4),
    ),
    _form(
        "a secret key of Stripe",
        (b"sk_live_", b"rk_live_"),
        rb"[sr]k_live_([0-9A-Za-z]{24,120})" + _END,
        has_entropy(3.4),
    ),
    _form(
        "an API key of SendGrid",
        (b"SG.",),
        rb"SG\.([0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43})" + _END,
        has_entropy(4.2),
    ),
    _form(
        "an API key of OpenAI",
        (b"T3BlbkFJ",),
        rb"T3BlbkFJ([0-9A-Za-z_-]{20,120})" + _END,
        _is_of_openai,
    ),
    _form(
        "an API key of Anthropic",
        (b"sk-ant-api",),
        rb"sk-ant-api[0-9]{2}-([0-9A-Za-z_-]{80,120})" + _END,
        has_entropy(4.2),
    ),
    _form(
        "a token of HashiCorp Vault",
        (b"hvs.",),
        rb"hvs\.([0-9A-Za-z_-]{90,200})" + _END,
        has_entropy(3.8),
    ),
    _form(
        "an access token of DigitalOcean",
        (b"dop_v1_",),
        rb"dop_v1_([0-9a-f]{64})" + _END,
        has_entropy(3.3),
    ),
)


def own_token(prefix: str, length: int, checksum_length: int) -> SecretForm:
    """Return the form of access tokens of this registry: `length` letters behind the prefix, of
    which the last ones are the checksum of all before."""
    begins = prefix.encode()
    start = re.escape(begins) + rb"[0-9A-Za-z]{%d}" % (length - checksum_length)
    pattern = rb"(%b)([0-9A-Za-z]{%d})" % (start, checksum_length)
    return _form("an access token of this registry", (begins,), pattern, _has_checksum)


def may_have_secret(content: bytes) -> bool:
    """Check for a text with which a secret begins; only then the content is read closely."""
    return any(each in content for form in FORMS for each in form.begins)


_LOOKED_AT = 8 * 1024  # Bytes: a file with a zero byte among them is no text.


def is_text(content: bytes) -> bool:
    """Check whether files that begin with these bytes are texts: others have no lines."""
    return b"\0" not in content[:_LOOKED_AT]


class FoundSecrets(Struct, frozen=True):
    """The first secrets of an archive, and how many there are. `are_too_many` if the rest was not
    read, since too many texts begin like a secret."""

    secrets: tuple[FoundSecret, ...] = ()
    count: int = 0
    are_too_many: bool = False


class SecretSearch:
    """Finds the secrets of one archive, a file at a time, and a bounded number of them."""

    def __init__(self, forms: Sequence[SecretForm] = FORMS) -> None:
        self._forms = forms
        self._looked_at = 0
        self._secrets = list[FoundSecret]()
        self._count = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read."""
        return self._count >= MAX_COUNTED or self._looked_at > MAX_LOOKALIKES

    @property
    def found(self) -> FoundSecrets:
        are_too_many = self._looked_at > MAX_LOOKALIKES
        return FoundSecrets(tuple(self._secrets), self._count, are_too_many)

    def search(self, path: str, content: bytes) -> None:
        """Add the secrets of a file."""
        if not is_text(content):
            return
        starts = sorted({(at, form.name) for form in self._forms for at in self._in(content, form)})
        line = 1
        counted_to = 0
        for start, name in starts[: MAX_SECRETS - len(self._secrets)]:
            line += content.count(b"\n", counted_to, start)
            counted_to = start
            self._secrets.append(FoundSecret(path, line, name))

    def _in(self, content: bytes, form: SecretForm) -> Iterator[int]:
        """Yield where secrets of the form begin."""
        for begin in form.begins:
            at = content.find(begin)
            while at >= 0 and not self.is_over:
                self._looked_at += 1
                found = form.pattern.match(content, at)
                if found and form.check(found):
                    self._count += 1
                    yield at
                at = content.find(begin, at + len(begin))
