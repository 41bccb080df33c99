"""Signed notes, keys and cosignatures: by the vectors of Go's package and of the specification."""

import base64
import hashlib

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.notes import (
    MLDSA_COSIGNATURE,
    Cosigner,
    NoteSignature,
    NoteSigner,
    SignedNote,
    VerifierKey,
    mldsa_message,
)
from tests.support.log_checker import ORIGIN

# From golang.org/x/mod/sumdb/note.
PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = VerifierKey.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
TEXT = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.
"""
PETERS = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
ENOCHS = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLo"
    "x33WWd1RvMc+QQ=\n"
)
NOTE = f"{TEXT}\n{PETERS}{ENOCHS}"
SEED = bytes(range(32))
CHECKPOINT = Checkpoint(ORIGIN, 3, bytes(32))


def test_a_note_of_gos_package_is_verified() -> None:
    note = SignedNote.parse(NOTE)
    assert note.text == TEXT
    assert note.verified_by(PETER)
    assert note.verified_by(ENOCH)
    assert note.content == NOTE


def test_a_note_is_signed_as_by_gos_package() -> None:
    signer = NoteSigner("PeterNeumann", PETERS_SEED)
    assert signer.verifier == PETER
    assert signer.sign(TEXT).line == PETERS


def test_the_note_of_the_specification_is_verified() -> None:
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = SignedNote.parse(
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppz"
        "i2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    assert note.verified_by(key)


def test_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = NoteSigner("PeterNeumann", SEED).verifier  # The same name with another id.
    assert not SignedNote.parse(NOTE).verified_by(stranger)
    assert not SignedNote.parse(f"{TEXT}\n{ENOCHS}").verified_by(PETER)


def test_a_changed_text_is_refused() -> None:
    changed = SignedNote.parse(NOTE.replace("answer", "Answer"))
    with pytest.raises(ProofRefused, match="The signature of 'PeterNeumann' is not valid"):
        changed.verified_by(PETER)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}{PETERS}",
        f"{TEXT}\n",
        f"{TEXT}\n{PETERS}"[:-1],
        f"{TEXT}\n{PETERS[:50]}\n",
        f"{TEXT}\n{PETERS.replace(' PeterNeumann', ' Peter+Neumann')}",
        f"{TEXT}\n{PETERS.replace(' PeterNeumann', ' ')}",
        f"{TEXT}\n{PETERS.replace('— ', '- ')}",
        f"{TEXT}\n— PeterNeumann x08goA==\n"[:-4] + "\n",
        f"\x01{TEXT}\n{PETERS}",
        f"{TEXT}\n{PETERS * 101}",
        f"{'a' * 2**20}\n\n{PETERS}",
    ],
)
def test_a_note_in_another_form_is_refused(note: str) -> None:
    with pytest.raises(NoteUnreadable, match="A signed note cannot be read"):
        SignedNote.parse(note)


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NoteUnreadable, match="it is not UTF-8"):
        SignedNote.parse(b"\xff\n\n" + PETERS.encode())


@pytest.mark.parametrize("end", range(len(PETER.text)))
def test_a_cut_key_is_refused(end: int) -> None:
    with pytest.raises(NoteUnreadable):
        VerifierKey.parse(PETER.text[:end])


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(NoteUnreadable):
        VerifierKey.parse(text)


def test_a_cosignature_says_when_it_was_made() -> None:
    witness = Cosigner("witness.example.org/w", SEED)
    signed = SignedNote(CHECKPOINT.text, (witness.cosign(CHECKPOINT.text, 1_700_000_000),))
    assert SignedNote.parse(signed.content).cosigned_at(witness.verifier) == 1_700_000_000
    assert VerifierKey.parse(witness.verifier.text) == witness.verifier


def test_a_cosignature_with_another_time_is_refused() -> None:
    witness = Cosigner("witness.example.org/w", SEED)
    made = witness.cosign(CHECKPOINT.text, 1_700_000_000)
    later = (1_700_000_001).to_bytes(8, "big") + made.signature[8:]
    forged = SignedNote(CHECKPOINT.text, (NoteSignature(made.name, made.key_id, later),))
    with pytest.raises(ProofRefused):
        forged.cosigned_at(witness.verifier)
    too_late = NoteSignature(made.name, made.key_id, b"\xff" * 8 + made.signature[8:])
    with pytest.raises(ProofRefused):
        SignedNote(CHECKPOINT.text, (too_late,)).cosigned_at(witness.verifier)


def test_the_cosignature_of_the_specification_is_read() -> None:
    note = SignedNote.parse(
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Z"
        "hcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJ"
        "sX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    assert Checkpoint.parse(note.text).size == 20_852_163
    assert int.from_bytes(note.signatures[1].signature[:8], "big") == 1_679_315_147


def test_an_ml_dsa_cosignature_is_verified_where_it_is_offered() -> None:
    mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
    try:
        secret = mldsa.MLDSA44PrivateKey.from_seed_bytes(SEED)
    except UnsupportedAlgorithm:
        pytest.skip("OpenSSL has no ML-DSA-44 here.")
    key = VerifierKey("w.example.org", MLDSA_COSIGNATURE, secret.public_key().public_bytes_raw())
    assert VerifierKey.parse(key.text) == key
    signature = secret.sign(mldsa_message(key.name, CHECKPOINT, 7))
    made = NoteSignature(key.name, key.key_id, (7).to_bytes(8, "big") + signature)
    note = SignedNote(CHECKPOINT.text, (made,))
    assert SignedNote.parse(note.content).cosigned_at(key) == 7
    other = Checkpoint(CHECKPOINT.origin, 4, CHECKPOINT.root)
    with pytest.raises(ProofRefused):
        SignedNote(other.text, (made,)).cosigned_at(key)


def test_what_an_ml_dsa_cosignature_signs_is_that_of_the_specification() -> None:
    message = mldsa_message("w", Checkpoint("log", 5, bytes(32)), 9)
    assert message == (
        b"subtree/v1\n\0\x01w" + bytes(7) + b"\x09\x03log" + bytes(8) + bytes(7) + b"\5" + bytes(32)
    )


def test_the_id_of_a_key_is_that_of_the_specification() -> None:
    hashed = hashlib.sha256(b"PeterNeumann\n\x01" + PETER.public).digest()
    assert PETER.key_id == hashed[:4]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n0\n",
        f"log\n00\n{'A' * 43}=\n",
        f"log\n-1\n{'A' * 43}=\n",
        f"log\n1\n{'A' * 43}\n",
        "log\n1\nAAAA\n",
        f"\n1\n{'A' * 43}=\n",
        f"log\n1\n{'A' * 43}=",
        f"log\n1\n{'A' * 43}=\n\n",
        f"log\n1\n{'A' * 42}B=\n",
    ],
)
def test_a_checkpoint_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(NoteUnreadable, match="A checkpoint cannot be read"):
        Checkpoint.parse(text)


def test_a_checkpoint_keeps_lines_that_it_does_not_know() -> None:
    text = f"{CHECKPOINT.text}more\n"
    assert Checkpoint.parse(text).text == text
