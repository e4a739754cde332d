"""TLS contexts from PEM files, PFX files, or a certificate made on the spot."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pode_py.core.errors import StartError
from pode_py.engine.client_certificates import RenewedContext, UncheckedContext

_VERSIONS = {
    "tls12": ssl.TLSVersion.TLSv1_2,
    "tls13": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What an endpoint said about its TLS. Paths are absolute.

    `others` are the certificates of further host names, which a client names in its handshake
    (SNI); ``*.example.com`` stands for any one there. `hostname` is what a certificate that is made
    on the spot is for, besides addresses.
    """

    certificate: Path | None = None
    certificate_key: Path | None = None
    certificate_password: str | None = None
    self_signed: bool = False
    allow_client_certificate: bool = False
    client_certificate_authority: Path | None = None
    protocols: tuple[str, ...] = ()
    hostname: str = ""
    others: tuple[tuple[str, TlsSettings], ...] = ()

    @property
    def takes_any_client(self) -> bool:
        """Whether certificates of clients are shown to routes, whoever has issued them."""
        return self.allow_client_certificate and self.client_certificate_authority is None


def server_context(
    settings: TlsSettings, addresses: Sequence[str], warn: Callable[[str], object] = lambda _: None
) -> ssl.SSLContext:
    """The context of an endpoint: TLS 1.2 and newer. Raises StartError for a bad certificate;
    `warn` hears of one that clients will refuse."""

    def made(of: TlsSettings) -> Callable[[], ssl.SSLContext]:
        context = _context(of, addresses, warn)
        if not of.takes_any_client:
            return lambda: context
        return RenewedContext(context, lambda: _context(of, addresses, lambda _: None)).current

    own = made(settings)
    named = {name: made(other) for name, other in settings.others}
    context = own()
    if not named and not settings.takes_any_client:
        return context

    def choose(wire: ssl.SSLObject, name: str | None, default: ssl.SSLContext) -> None:
        del default
        wire.context = (_of_name(named, name.lower() if name else "") or own)()

    context.sni_callback = choose
    return context


def _of_name(
    named: dict[str, Callable[[], ssl.SSLContext]], name: str
) -> Callable[[], ssl.SSLContext] | None:
    """The context for a host name: its own, else that of a wildcard."""
    for known, context in named.items():
        if known == name:
            return context
    for known, context in named.items():
        if known.startswith("*.") and name.endswith(known[1:]):
            return context
    return None


def _context(
    settings: TlsSettings, addresses: Sequence[str], warn: Callable[[str], object]
) -> ssl.SSLContext:
    context: ssl.SSLContext = (
        UncheckedContext(ssl.PROTOCOL_TLS_SERVER)
        if settings.takes_any_client
        else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client that starts another handshake in the middle would make writes wait for reads.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    if settings.protocols:
        chosen = sorted(_VERSIONS[name] for name in settings.protocols)
        context.minimum_version, context.maximum_version = chosen[0], chosen[-1]
    if settings.client_certificate_authority is not None:
        _trust(context, settings.client_certificate_authority)
    with _pem(settings, addresses) as (certificate, key, password):
        _load(context, certificate, key, password)
        trouble = _trouble(certificate)
        if trouble is not None:
            name = settings.certificate.name if settings.certificate else "of its own"
            warn(f"The certificate {name} of an https endpoint {trouble}")
    return context


def _trust(context: ssl.SSLContext, authorities: Path) -> None:
    """Take client certificates of these authorities, and of nobody else. The file may hold those of
    clients, too, which are then taken themselves."""
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(authorities)
    except FileNotFoundError as error:
        raise StartError(
            f"The file {authorities} of an https endpoint does not exist. Correct "
            "client_certificate_authority= in add_endpoint."
        ) from error
    except OSError as error:  # ssl.SSLError, too
        raise StartError(
            f"The file {authorities} of an https endpoint can't be used: "
            "client_certificate_authority= takes a PEM file of certificates."
        ) from error


def _load(
    context: ssl.SSLContext, certificate: Path, key: Path | None, password: str | None
) -> None:
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password if password is not None else "")
    except FileNotFoundError as error:
        missing = key if key is not None and certificate.exists() else certificate
        raise StartError(
            f"The file {missing} of an https endpoint does not exist. Correct certificate= or "
            "certificate_key= in add_endpoint."
        ) from error
    except (ssl.SSLError, OSError) as error:
        raise StartError(
            f"The certificate {certificate} {_why(error, certificate, key, password)}"
        ) from error


def _why(error: OSError, certificate: Path, key: Path | None, password: str | None) -> str:
    if "KEY_VALUES_MISMATCH" in str(error):
        return "does not belong to its key. Pass the key file of this certificate."
    if isinstance(error, PermissionError):
        return "or its key may not be read by this user. Change the rights of the files."
    if _is_encrypted(key or certificate):
        if password is None:
            return "has an encrypted key. Pass its password as certificate_password."
        return "has a key that certificate_password does not open. Correct the password."
    if key is None:
        return "can't be used. A PEM file needs its key in it, or certificate_key= beside it."
    return "or its key can't be read. Both have to be PEM files."


def _is_encrypted(path: Path) -> bool:
    # OpenSSL's error is the same for every key that it can't load.
    try:
        return b"ENCRYPTED" in path.read_bytes()
    except OSError:
        return False


@contextlib.contextmanager
def _pem(
    settings: TlsSettings, addresses: Sequence[str]
) -> Iterator[tuple[Path, Path | None, str | None]]:
    """Certificate, key and password as files that `ssl` can load."""
    certificate = settings.certificate
    if settings.self_signed:
        with _as_file(_self_signed(addresses, settings.hostname)) as path:
            yield path, None, None
    elif certificate is None:
        raise StartError(
            "An https endpoint needs certificate= or self_signed=True in add_endpoint."
        )
    elif certificate.suffix.lower() in (".pfx", ".p12"):
        with _as_file(_from_pfx(certificate, settings.certificate_password)) as path:
            yield path, None, None
    else:
        yield certificate, settings.certificate_key, settings.certificate_password


@contextlib.contextmanager
def _as_file(pem: bytes) -> Iterator[Path]:
    # ssl loads keys from files only; mkstemp makes one that nobody else can read.
    handle, name = tempfile.mkstemp(suffix=".pem")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _need_cryptography() -> Any:
    try:
        import cryptography.x509
    except ImportError as error:
        raise StartError(
            "PFX certificates and self_signed=True need the cryptography package. "
            "Install it with: pip install 'pode-py[tls]'"
        ) from error
    return cryptography.x509


def _from_pfx(path: Path, password: str | None) -> bytes:
    _need_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        data = path.read_bytes()
    except OSError as error:
        raise StartError(
            f"The file {path} of an https endpoint can't be read: {error.strerror}."
        ) from error
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(
            data, password.encode() if password is not None else None
        )
    except ValueError as error:
        raise StartError(
            f"The PFX file {path} can't be opened: it is no PFX file, or certificate_password "
            "is wrong."
        ) from error
    if key is None or certificate is None:
        raise StartError(f"The PFX file {path} must hold a certificate and its private key.")
    parts = [
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
        *(extra.public_bytes(serialization.Encoding.PEM) for extra in chain),
    ]
    return b"".join(parts)


def _self_signed(addresses: Sequence[str], hostname: str) -> bytes:
    x509 = _need_cryptography()
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName(known) for known in ("localhost", hostname) if known]
    for address in dict.fromkeys(("127.0.0.1", "::1", *addresses)):
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return bytes(pem_key + certificate.public_bytes(serialization.Encoding.PEM))


_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


def _trouble(path: Path) -> str | None:
    """Why clients will refuse the first certificate of a PEM file for its dates; None if not."""
    try:
        found = _CERTIFICATE.search(path.read_bytes())
        if found is None:
            return None
        begin, end = _validity(ssl.PEM_cert_to_DER_cert(found[0].decode("ascii")))
    except (OSError, ValueError, IndexError):  # OpenSSL has taken it; so its dates are not known
        return None
    now = datetime.now(UTC)
    if now > end:
        return f"has expired: it was valid until {end:%Y-%m-%d %H:%M} UTC. Renew it."
    if now < begin:
        return (
            f"is not valid before {begin:%Y-%m-%d %H:%M} UTC. Wait until then, or correct the "
            "clock of this machine."
        )
    return None


def _validity(der: bytes) -> tuple[datetime, datetime]:
    """From when to when an X.509 certificate is valid (RFC 5280, 4.1). The standard library shows
    that of other people's certificates only."""
    _, at, _ = _element(der, 0)
    _, at, _ = _element(der, at)
    tag, _, end = _element(der, at)
    if tag == 0xA0:  # the version, which very old ones do not have
        _, _, end = _element(der, end)
    for _ in ("signature", "issuer"):
        _, _, end = _element(der, end)
    _, at, _ = _element(der, end)
    tag, first, end = _element(der, at)
    begin = _moment(tag, der[first:end])
    tag, first, end = _element(der, end)
    return begin, _moment(tag, der[first:end])


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the element there, and where its content begins and ends."""
    tag, length = der[at], der[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[at : at + size], "big")
        at += size
    return tag, at, at + length


def _moment(tag: int, text: bytes) -> datetime:
    """A UTCTime (0x17), whose years are those from 1950 to 2049, or a GeneralizedTime."""
    digits = text.decode("ascii")
    if tag == 0x17:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
