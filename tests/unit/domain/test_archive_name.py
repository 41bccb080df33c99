"""What an archive is called at rest."""

from shared.adapters.paths import archive_blob, archive_blobs, digest_of_blob
from tests.contract.samples import DIGEST, NAME, release


def test_the_end_of_its_name_is_what_clients_read_out_of_a_link() -> None:
    assert NAME.tail == "1.0.0/acme-greet-any-1.0.0.bala"


def test_its_blob_is_named_by_its_digest_first() -> None:
    assert archive_blob(NAME) == f"{DIGEST}/1.0.0/acme-greet-any-1.0.0.bala"
    assert archive_blob(NAME).startswith(archive_blobs(DIGEST))
    assert digest_of_blob(archive_blob(NAME)) == DIGEST


def test_the_longest_name_fits_into_a_blobs() -> None:
    org, version = "a" * 100, "1.0.0-" + "b" * 122
    longest = release(f"{org}/{'c' * 100}:{version}", platform="java21").archive
    assert len(archive_blob(longest)) <= 1024  # Characters, the limit of the service.
