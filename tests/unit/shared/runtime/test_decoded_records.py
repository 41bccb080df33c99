"""Records that are kept decoded, and what they weigh."""

import pytest
from pydantic import BaseModel

from shared.domain.packages import Dependency, Release, ReleaseEntry, Texts
from shared.domain.signatures import Signature
from shared.runtime.decoded_records import memory_of, memory_of_entries, share_field_names
from tests.contract.sample_records import entry, head, release
from tests.support.memory import memory_taken

DEPENDENCIES = tuple(Dependency(org="acme", name=f"p{n}", version="1.0.0") for n in range(3))


def test_the_weight_of_entries_is_about_the_memory_that_they_take() -> None:
    texts = [
        entry(
            f"1.{number}.0",
            modules=(f"greet{number}",),
            dependencies=DEPENDENCIES,
            signatures=(Signature("SHA256:" + "k" * 43, f"{number:096}"),),
        )
        for number in range(1_000)
    ]
    bodies = [each.model_dump_json() for each in texts]
    kept: list[ReleaseEntry] = []

    def decode() -> None:
        kept.extend(share_field_names(ReleaseEntry.model_validate_json(each)) for each in bodies)

    taken = memory_taken(decode)
    assert 0.7 * taken < memory_of_entries(kept) < 1.5 * taken


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u6f22", "\U0001f600"])
def test_the_weight_of_a_record_counts_its_texts_as_wide_as_they_are(letter: str) -> None:
    lines = tuple(f"{number:03}{letter * 190}" for number in range(100))
    full = release("acme/greet:1.0.0", keywords=lines, modules=("greet",), summary=letter * 300)
    body = Texts(readme=f"{'x' * 10_000}{letter}").model_dump_json(), full.model_dump_json()
    kept = list[BaseModel]()

    def decode() -> None:
        kept.extend([Texts.model_validate_json(body[0]), Release.model_validate_json(body[1])])

    decode()  # The first one builds the models.
    kept.clear()
    taken = memory_taken(decode)
    assert 0.7 * taken < memory_of(tuple(kept)) < 1.5 * taken


def test_decoded_records_share_the_sets_of_their_field_names() -> None:
    records: list[BaseModel] = [
        share_field_names(entry(f"1.{number}.0", dependencies=DEPENDENCIES)) for number in range(2)
    ]
    texts = [each.model_dump_json() for each in records]
    one, two = (share_field_names(ReleaseEntry.model_validate_json(each)) for each in texts)
    assert one.model_fields_set is two.model_fields_set
    assert one.dependencies[0].model_fields_set is two.dependencies[2].model_fields_set
    assert [each.model_dump_json() for each in (one, two)] == texts


def test_records_of_older_code_share_their_sets_as_well() -> None:
    texts = [entry(f"1.{number}.0").model_dump_json() for number in range(3)]
    older = [text.replace('"public_reason":null,', "") for text in texts[:2]]
    assert older != texts[:2]
    one, two, newer = (
        share_field_names(ReleaseEntry.model_validate_json(each)) for each in (*older, texts[2])
    )
    assert one.model_fields_set is two.model_fields_set
    assert newer.model_fields_set - one.model_fields_set == {"public_reason"}


def test_records_share_their_sets_with_those_that_lack_the_same_fields() -> None:
    records = [entry("1.0.0", deprecation="Old."), entry("1.0.0", modules=("greet",))] * 2
    texts = [each.model_dump_json(exclude_defaults=True) for each in records]
    first, second, as_first, as_second = (
        share_field_names(ReleaseEntry.model_validate_json(text)) for text in texts
    )
    assert len(first.model_fields_set) == len(second.model_fields_set)
    assert first.model_fields_set is as_first.model_fields_set
    assert second.model_fields_set is as_second.model_fields_set
    assert first.model_fields_set ^ second.model_fields_set == {"deprecation", "modules"}


def test_a_record_of_fewer_fields_has_its_own_set() -> None:
    one = share_field_names(entry())
    assert "deprecation" in one.model_fields_set
    few = share_field_names(head())
    assert "pulls" not in few.model_fields_set
    assert "pulls" in few.model_copy(update={"pulls": 1}).model_fields_set
    assert "pulls" not in few.model_fields_set
