"""Policies and proofs: their files, and each step of the verification."""

import pytest

from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_policies import KnownLog, KnownWitness, LogPolicy
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.notes import Cosigner, NoteSigner, SignedNote
from tests.support.log_checker import ORIGIN, naive_inclusion, naive_leaf, naive_root

LOG = NoteSigner(ORIGIN, b"l" * 32)
WITNESSES = [Cosigner(f"w{number}.example.org", bytes([number]) * 32) for number in range(4)]
ENTRIES = [b"entry %d" % number for number in range(11)]
KEYS = [each.verifier.text for each in WITNESSES]


def note(*cosigners: Cosigner, origin: str = ORIGIN, signer: NoteSigner = LOG) -> SignedNote:
    leaves = [naive_leaf(each) for each in ENTRIES]
    text = Checkpoint(origin, len(ENTRIES), naive_root(leaves)).text
    return SignedNote(text, (signer.sign(text), *(each.cosign(text, 1) for each in cosigners)))


def proof(index: int, checkpoint: SignedNote) -> LogProof:
    hashes = naive_inclusion(index, [naive_leaf(each) for each in ENTRIES])
    return LogProof(index, tuple(hashes), checkpoint)


PLAIN = LogPolicy(logs=(KnownLog(LOG.verifier),))
QUORUM = f"""
# Two of three, and the fourth.
log {LOG.verifier.text} https://packages.example.org/log
witness a {KEYS[0]} https://w0.example.org
witness b {KEYS[1]}
\twitness  c\t{KEYS[2]}
witness d {KEYS[3]}
group most 2 a b c
group both all most d

quorum both
"""


def test_a_proof_file_is_written_and_read() -> None:
    made = proof(4, note(WITNESSES[0]))
    assert made.text.startswith("c2sp.org/tlog-proof@v1\nindex 4\n")
    assert LogProof.parse(made.text) == made
    with_extra = LogProof(made.index, made.hashes, made.note, b"more")
    assert LogProof.parse(with_extra.text) == with_extra


def test_each_entry_is_proven() -> None:
    for index, entry in enumerate(ENTRIES):
        checkpoint = proof(index, note()).require(entry, PLAIN)
        assert checkpoint.size == len(ENTRIES)


def test_step_1_another_entry_is_refused() -> None:
    with pytest.raises(ProofRefused, match="does not lead to the root"):
        proof(4, note()).require(b"entry 5", PLAIN)


def test_step_2_another_origin_is_refused() -> None:
    other = NoteSigner("other.example.org/log", b"l" * 32)
    signed = note(origin="other.example.org/log", signer=other)
    with pytest.raises(ProofRefused, match=r"No key of the log 'other.example.org/log' is known"):
        proof(4, signed).require(ENTRIES[4], PLAIN)


def test_step_2_another_key_is_refused() -> None:
    signed = note(signer=NoteSigner(ORIGIN, b"x" * 32))
    with pytest.raises(ProofRefused, match="No key that is known has signed"):
        proof(4, signed).require(ENTRIES[4], PLAIN)


def test_step_3_too_few_witnesses_are_refused() -> None:
    policy = LogPolicy.parse(QUORUM)
    enough = (WITNESSES[0], WITNESSES[2], WITNESSES[3])
    assert proof(4, note(*enough)).require(ENTRIES[4], policy)
    for few in ((), WITNESSES[:3], WITNESSES[2:]):
        with pytest.raises(ProofRefused, match="Too few witnesses have cosigned it: 'both'"):
            proof(4, note(*few)).require(ENTRIES[4], policy)


def test_step_3_a_cosignature_that_is_not_valid_is_refused() -> None:
    signed = note(*WITNESSES)
    other = Checkpoint(ORIGIN, 1, bytes(32)).text
    forged = SignedNote(signed.text, (signed.signatures[0], WITNESSES[0].cosign(other, 1)))
    with pytest.raises(ProofRefused, match=r"The signature of 'w0.example.org' is not valid"):
        proof(4, forged).require(ENTRIES[4], LogPolicy.parse(QUORUM))


def test_step_4_a_changed_way_is_refused() -> None:
    made = proof(4, note())
    swapped = LogProof(4, (made.hashes[1], made.hashes[0], *made.hashes[2:]), made.note)
    cut = LogProof(4, made.hashes[:-1], made.note)
    moved = LogProof(5, made.hashes, made.note)
    for changed in (swapped, cut, moved):
        with pytest.raises(ProofRefused):
            changed.require(ENTRIES[4], PLAIN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 4", "index 04"),
        ("index 4\n", ""),
        ("index 4\n", "index 4\nAAAA\n"),
        ("index 4\n", "index 4\n-\n"),
        ("index 4", "extra -\nindex 4"),
        ("index 4\n", "index 4\n\n"),
    ],
)
def test_a_proof_in_another_form_is_refused(old: str, new: str) -> None:
    changed = proof(4, note()).text.replace(old, new)
    with pytest.raises(NoteUnreadable):
        LogProof.parse(changed)


def test_a_policy_is_written_and_read() -> None:
    policy = LogPolicy.parse(QUORUM)
    assert LogPolicy.parse(policy.text) == policy
    assert policy.witnesses[0] == KnownWitness("a", WITNESSES[0].verifier, "https://w0.example.org")
    assert PLAIN.text == f"log {LOG.verifier.text}\nquorum none\n"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("", "it has no line `quorum`"),
        ("quorum none\nquorum none", "there is another `quorum` before it"),
        ("quorum a", "'a' is not defined before it"),
        (f"witness none {KEYS[0]}\nquorum none", "the name 'none' is taken"),
        (f"witness a {KEYS[0]}\nwitness a {KEYS[1]}\nquorum a", "the name 'a' is taken"),
        (f"witness a {KEYS[0]}\nwitness b {KEYS[0]}\nquorum a", "another witness has the same key"),
        (f"log {KEYS[0]}\nquorum none", "its key does not sign as a log"),
        (f"witness a {LOG.verifier.text}\nquorum a", "its key does not sign as a witness"),
        (f"witness a {KEYS[0]}\ngroup g 2 a\nquorum g", "'2' is not a number of its members"),
        (f"witness a {KEYS[0]}\ngroup g 0 a\nquorum g", "'0' is not a number of its members"),
        (f"witness a {KEYS[0]}\ngroup g any a a\nquorum g", "is in another group"),
        (f"witness a {KEYS[0]}\ngroup g any none\nquorum g", "'none' is not defined before it"),
        ("group g any\nquorum none", "is none of its lines"),
        ("Quorum none", "is none of its lines"),
        ("quorum none\r\n", "it has control characters"),
        ("\n" * 2_000, "it has more than 1,000 lines"),
    ],
)
def test_a_policy_in_another_form_is_refused(policy: str, reason: str) -> None:
    with pytest.raises(NoteUnreadable, match=reason):
        LogPolicy.parse(policy)
