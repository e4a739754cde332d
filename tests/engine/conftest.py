"""Engines that end with their test, and that complain of nothing unless the test expects it."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.engine.house import House


@pytest.fixture
def build(engine_kind: str) -> Iterator[Callable[..., House]]:
    """Start engines: `build(handle, threads=2, ...)`."""
    houses: list[House] = []

    def make(*arguments: Any, **options: Any) -> House:
        house = House(*arguments, **{"kind": engine_kind, **options})
        houses.append(house)
        return house

    yield make
    for house in houses:
        house.stop()
    for house in houses:
        assert house.may_report or not house.reports


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


class Pki:
    """Certificates as files. All passwords are "geheim"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        key, certificate = self.issue("localhost")
        self.certificate = self._write("server.pem", _pem(certificate))
        self.key = self._write("server.key", _pem(key))
        self.both = self._write("both.pem", _pem(key) + _pem(certificate))
        self.locked_key = self._write("locked.key", _pem(key, b"geheim"))
        other, _ = self.issue("other")
        self.other_key = self._write("other.key", _pem(other))
        self.pfx = self._write("server.pfx", _pfx(key, certificate, b"geheim"))
        self.open_pfx = self._write("open.p12", _pfx(key, certificate, None))
        self.garbage = self._write("garbage.pem", b"This is no certificate.\n")
        self.bad_pfx = self._write("garbage.pfx", b"This is no certificate.\n")

    def issue(
        self, name: str, issuer: tuple[Any, x509.Certificate] | None = None, begins: int = -1
    ) -> tuple[Any, x509.Certificate]:
        """A key and its certificate, by `issuer` or itself, for three days from `begins` on."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signing, by = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=begins))
            .not_valid_after(now + datetime.timedelta(days=begins + 3))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(signing, hashes.SHA256())
        )
        return key, certificate

    def file(self, name: str, *pair: Any) -> Path:
        """A PEM file of keys and certificates."""
        return self._write(name, b"".join(_pem(thing) for thing in pair))

    def pfx_file(self, name: str, key: Any, certificate: x509.Certificate) -> Path:
        """A PFX file without a password."""
        return self._write(name, _pfx(key, certificate, None))

    def _write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


def _pem(thing: Any, password: bytes | None = None) -> bytes:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    return bytes(
        thing.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _lock(password)
        )
    )


def _pfx(key: Any, certificate: x509.Certificate, password: bytes | None) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"pode", key, certificate, None, _lock(password))


def _lock(password: bytes | None) -> Any:
    if password is None:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(password)
