"""A process takes its address or says why not, and knows when a client has gone quiet."""

import shutil
import socket
from pathlib import Path

import pytest

from shared.hosting.errors import (
    AddressUnusable,
    CertificateUnusable,
    FolderUnwritable,
    PortInUse,
)
from shared.hosting.serving import (
    Certificate,
    bind,
    listen,
    require_usable,
    require_writable,
)
from tests.serving import make_certificate


def test_clients_cannot_connect_before_the_socket_listens() -> None:
    with bind("127.0.0.1", 0) as bound:
        address = bound.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=30)
        listen(bound)
        socket.create_connection(address, timeout=30).close()


def test_a_port_in_use_is_named() -> None:
    with bind("127.0.0.1", 0) as first:
        listen(first)
        port = first.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} of 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


def test_of_two_that_took_a_port_at_once_the_second_is_told_when_it_listens() -> None:
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", first.getsockname()[1]) as second:
        listen(first)
        with pytest.raises(PortInUse):
            listen(second)


@pytest.mark.parametrize("host", ["192.0.2.1", "fe80::1%none"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(AddressUnusable, match=f"Cannot listen on port 8080 of {host}"):
        bind(host, 8080)


def test_a_folder_is_made_if_it_is_missing(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")
    assert not list((tmp_path / "a" / "b").iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnwritable, match=r"/file/data cannot be written \(Not a directory\)"):
        require_writable(tmp_path / "file" / "data")


def test_a_certificate_must_be_there_and_be_one(tmp_path: Path) -> None:
    with pytest.raises(CertificateUnusable, match="No such file"):
        require_usable(Certificate(tmp_path / "none.pem"))
    (tmp_path / "nonsense.pem").write_text("nonsense")
    with pytest.raises(CertificateUnusable, match="BALLROOM_TLS_CERT and BALLROOM_TLS_KEY"):
        require_usable(Certificate(tmp_path / "nonsense.pem"))


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_a_certificate_with_its_key_is_usable(tmp_path: Path) -> None:
    require_usable(make_certificate(tmp_path))


def test_a_new_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    require_writable(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
