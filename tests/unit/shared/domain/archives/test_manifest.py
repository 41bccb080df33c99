"""How an invalid field of a manifest is refused."""

from shared.domain.archives.manifest import PACKAGE_JSON, PackageJson, read_model
from tests.support.refusals import raises_refusal


def test_a_reason_that_has_no_words_of_ours_is_that_of_the_parser() -> None:
    written = {
        "name": "greet",
        "version": "1.0.0",
        "organization": "acme",
        "source_repository": "\ud800",  # Half of a character, as JSON may escape it.
    }
    with raises_refusal("field-invalid", match="source_repository: .*unicode string"):
        read_model(PackageJson, PACKAGE_JSON, written)
