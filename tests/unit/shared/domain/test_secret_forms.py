"""Secrets by their forms, and how they are told from examples."""

import zipfile
import zlib
from itertools import islice, product

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from shared.domain.secret_forms import (
    MAX_COUNTED,
    MAX_LOOKALIKES,
    MAX_SECRETS,
    FoundSecrets,
    SecretSearch,
    may_have_secret,
    own_token,
)
from tests.paths import BALAS

# No form of a secret is written whole here: scanners of repositories would find it.
GITHUB = "ghp" + "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"
AWS = "AKIA" + "QYLPMN5HHHFPZAM2"
SLACK = "xoxb" + "-1234098756-4321876590-Uy7GhJ2kLp9QwErTz4XcVb3N"
STRIPE = "sk_" + "live_9Xh2kQpLz7RtYwVb3NcMf8Js"


EMULATOR = (
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBek"
    "soGMGw=="
)


def searched(content: str | bytes, path: str = "a.bal") -> FoundSecrets:
    search = SecretSearch()
    search.search(path, content.encode() if isinstance(content, str) else content)
    return search.found


def forms(content: str | bytes) -> list[str]:
    return [each.form for each in searched(content).secrets]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (GITHUB, "an access token of GitHub"),
        (f"key={AWS};", "an access key of AWS"),
        (
            "aws_secret_access_key = " + "kPq7/zR2vXw9LmN4sT6uY8bC1dE3fG5hJ0iAoQeW",
            "a secret key of AWS",
        ),
        (f'"{SLACK}"', "an access token of Slack"),
        (STRIPE, "a secret key of Stripe"),
        ("AIza" + "SyD4k9Lm2Qp7Rt5Vw8Xz1Nb3Cf6Hj0Gs_uE", "a key of Google Cloud"),
        (
            "AccountKey=" + "kPq7/zR2vXw9LmN4sT6uY8bC1dE3fG5hJ0iA" * 2 + "oQeWrTyUiOpAsD==",
            "a key of",
        ),
    ],
)
def test_a_secret_is_found_by_its_form(text: str, form: str) -> None:
    assert may_have_secret(text.encode())
    [found] = searched(f"// One.\n\nconst x = {text}\n").secrets
    assert (found.line, found.path) == (3, "a.bal")
    assert found.form.startswith(form)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "AKIAI44QH8DHBEXAMPLE",
        "AKIA0123456789012345",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        GITHUB[:-1] + "8",  # Another checksum.
        GITHUB + "a",  # It goes on: something else.
        "xoxb-your-token-here",
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk_live_0000000000000000000000000",
        "AIzaSyEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMP",
        EMULATOR,
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END",
        "SG.send(message).then(response).catch(failure)",
    ],
)
def test_an_example_is_no_secret(text: str) -> None:
    assert forms(text) == []


KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    ("form", "passphrase"),
    [(PrivateFormat.PKCS8, ""), (PrivateFormat.PKCS8, "of somebody"), (PrivateFormat.OpenSSH, "")],
)
def test_a_private_key_is_found_in_lines_and_in_one(
    kind: str, form: PrivateFormat, passphrase: str
) -> None:
    protection = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    key = KEYS[kind].private_bytes(Encoding.PEM, form, protection)
    for text in (key, key.replace(b"\n", b"\\n"), key.replace(b"\n", b"\r\n")):
        assert forms(b"x\n" + text) == ["a private key"]


def test_the_beginning_of_a_private_key_is_none() -> None:
    key = KEYS["rsa"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert forms(key[:300] + b"...\n-----END PRIVATE KEY-----\n") == []


def test_a_file_with_a_zero_byte_is_no_text() -> None:
    assert forms(b"\0" + GITHUB.encode()) == []


def test_a_secret_is_found_in_a_minified_line() -> None:
    found = searched("var a=1;" * 500_000 + GITHUB + ";var b=2" * 100_000)
    assert [(each.line, each.form) for each in found.secrets] == [(1, "an access token of GitHub")]


def test_the_own_tokens_of_a_registry_are_found_by_their_checksum() -> None:
    form = own_token("blr_test_", 12, 6)
    start = "blr_test_" + "Ab3dEf"
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = zlib.crc32(start.encode())
    checksum = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        checksum = digits[digit] + checksum
    search = SecretSearch((form,))
    search.search("a", f"{start}{checksum}\n{start}000000".encode())
    assert [(each.line, each.form) for each in search.found.secrets] == [
        (1, "an access token of this registry")
    ]


def test_of_many_secrets_the_first_are_named() -> None:
    search = SecretSearch()
    content = "\n".join([GITHUB] * (MAX_COUNTED + 50)).encode()
    search.search("a", content)
    search.search("b", content)
    found = search.found
    assert len(found.secrets) == MAX_SECRETS
    assert found.secrets[-1].line == MAX_SECRETS
    assert found.count == MAX_COUNTED


def test_a_hundred_thousand_lookalikes_are_read_and_more_are_too_many() -> None:
    letters = product("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", repeat=4)
    names = map("".join, islice(letters, 100_000))
    lines = [f"AKIAQYLPM{name}EXAMPLE" for name in names]
    assert searched("\n".join(lines)) == FoundSecrets()
    assert searched("\n".join([*lines, GITHUB, AWS])).count == 2
    assert searched("AKIA" * (MAX_LOOKALIKES + 1)) == FoundSecrets(are_too_many=True)


def test_no_real_archive_has_a_secret() -> None:
    archives = list(BALAS.rglob("*.bala"))
    assert archives
    for archive in archives:
        search = SecretSearch()
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                search.search(name, opened.read(name))
        assert search.found == FoundSecrets(), archive
