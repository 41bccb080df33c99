"""Answers say on what they depend."""

from shared.domain.visibility import STAFF, Visibility
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, NOTHING_STORED, Dependencies
from tests.contract.sample_records import head

ONE = Dependencies(frozenset(("acme/one",)), frozenset(("acme",)))
OTHER = Dependencies(frozenset(("acme/other",)), frozenset(("other",)))


def test_an_answer_about_a_public_package_depends_only_on_that() -> None:
    public = head()
    assert Dependencies.of(public) == Dependencies(frozenset((public.package.key,)))


def test_an_answer_about_another_package_depends_on_its_readers_too() -> None:
    private = head(visibility=Visibility.PRIVATE)
    assert Dependencies.of(private).readers == {private.org.lower()}
    assert Dependencies.of(head(visibility=Visibility.INTERNAL)).readers == {STAFF}


def test_an_answer_that_is_made_of_two_depends_on_what_both_depend_on() -> None:
    assert ONE | NOTHING_STORED == ONE
    assert (
        Dependencies(frozenset(("acme/one", "acme/other")), frozenset(("acme", "other")))
        == ONE | OTHER
    )


def test_an_answer_that_depends_on_all_that_is_stored_is_not_one_of_packages() -> None:
    assert ONE.is_of_packages
    assert NOTHING_STORED.is_of_packages
    assert not ALL_THAT_IS_STORED.is_of_packages
    assert not (ONE | ALL_THAT_IS_STORED).is_of_packages
