"""Hashes and proofs of Merkle trees: by vectors of others, and compared with a naive tree."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors.transparency import ProofRefused
from shared.domain.transparency.merkle_tree import (
    EMPTY_ROOT,
    HashRange,
    NodeAddress,
    ProofPlan,
    TreeHead,
    leaf_hash,
    plan_consistency,
    plan_inclusion,
    require_consistency,
    require_inclusion,
)
from tests.paths import ROOT
from tests.support.log_checker import naive_consistency, naive_inclusion, naive_leaf, naive_root

_RECORDED = ROOT / "tests" / "recorded" / "merkle-proofs.json.gz"
VECTORS: dict[str, list[dict[str, Any]]] = json.loads(gzip.decompress(_RECORDED.read_bytes()))

# They never compare with the empty tree. Witnesses do so, when they first see a log.
ACCEPTED_HERE = ("additional/size1-is-zero-and-size2-is-not-zero",)

# The tree that certificate transparency tests its implementations with.
ENTRIES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "60616263" * 4)
]
_ROOT_OF_ENTRIES = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def plan_root(size: int) -> ProofPlan:
    return ProofPlan((HashRange(0, size),))


def leaves_of(size: int) -> list[bytes]:
    return [naive_leaf(b"%d" % number) for number in range(size)]


def hashes(plan: ProofPlan, leaves: list[bytes]) -> tuple[bytes, ...]:
    return plan.hashes({node: _hash_of(node, leaves) for node in plan.nodes})


def _hash_of(node: NodeAddress, leaves: list[bytes]) -> bytes:
    start = node.number << node.height
    below = leaves[start : start + (1 << node.height)]
    assert len(below) == 1 << node.height, "Only complete subtrees are asked for."
    return naive_root(below)


def test_the_root_of_no_entries_is_the_hash_of_nothing() -> None:
    assert hashes(plan_root(0), []) == (EMPTY_ROOT,)


def test_the_root_of_eight_entries_is_that_of_other_implementations() -> None:
    entries = [*ENTRIES[:7], bytes.fromhex("606162636465666768696a6b6c6d6e6f")]
    [root] = hashes(plan_root(8), [leaf_hash(each) for each in entries])
    assert root.hex() == _ROOT_OF_ENTRIES


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case["name"])
def test_a_proof_of_inclusion_is_judged_as_elsewhere(case: dict[str, Any]) -> None:
    def verify() -> None:
        require_inclusion(
            _decoded(case["leafHash"]),
            case["leafIdx"],
            size=case["treeSize"],
            root=_decoded(case["root"]),
            proof=[_decoded(each) for each in case["proof"] or ()],
        )

    _expect(verify, is_refused=case["wantErr"])


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case["name"])
def test_a_proof_of_consistency_is_judged_as_elsewhere(case: dict[str, Any]) -> None:
    def verify() -> None:
        require_consistency(
            TreeHead(case["size1"], _decoded(case["root1"])),
            TreeHead(case["size2"], _decoded(case["root2"])),
            [_decoded(each) for each in case["proof"] or ()],
        )

    _expect(verify, is_refused=case["wantErr"] and case["name"] not in ACCEPTED_HERE)


def _decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _expect(verify: Any, *, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(ProofRefused):
            verify()
    else:
        verify()


@given(st.integers(1, 600), st.data())
def test_each_entry_is_proven_as_the_definition_says(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    proof = hashes(plan_inclusion(index, size), leaves)
    assert list(proof) == naive_inclusion(index, leaves)
    require_inclusion(leaves[index], index, size=size, root=naive_root(leaves), proof=proof)


@given(st.integers(0, 600), st.data())
def test_each_growth_is_proven_as_the_definition_says(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    leaves = leaves_of(size)
    proof = hashes(plan_consistency(old, size), leaves)
    assert list(proof) == naive_consistency(old, leaves)
    before = TreeHead(old, naive_root(leaves[:old]))
    require_consistency(before, TreeHead(size, naive_root(leaves)), proof)


@given(st.integers(2, 300), st.data())
def test_a_changed_hash_or_a_wrong_index_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    proof = list(hashes(plan_inclusion(index, size), leaves))
    root = naive_root(leaves)
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = (int.from_bytes(proof[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    tampered = [*proof[:at], changed, *proof[at + 1 :]]
    for attempt in (tampered, proof[:-1], [*proof, root], proof[1:]):
        with pytest.raises(ProofRefused):
            require_inclusion(leaves[index], index, size=size, root=root, proof=attempt)
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
    with pytest.raises(ProofRefused):
        require_inclusion(leaves[index], other, size=size, root=root, proof=proof)


@given(st.integers(2, 300), st.data())
def test_another_history_is_not_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    forked = data.draw(st.integers(0, old - 1))
    leaves = leaves_of(size)
    others = [*leaves[:forked], naive_leaf(b"other"), *leaves[forked + 1 :]]
    proof = hashes(plan_consistency(old, size), others)
    before = TreeHead(old, naive_root(leaves[:old]))
    with pytest.raises(ProofRefused):
        require_consistency(before, TreeHead(size, naive_root(others)), proof)


def test_a_smaller_log_is_refused() -> None:
    with pytest.raises(ProofRefused, match="never gets smaller"):
        plan_consistency(2, 1)


def test_an_entry_that_a_tree_does_not_have_cannot_be_proven() -> None:
    with pytest.raises(ProofRefused, match="A tree of 3 entries has no entry 3"):
        plan_inclusion(3, 3)
