"""Certificates of endpoints: one for each host name, and those that clients show."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pode_py import add_endpoint, add_route, web_event
from pode_py.core.errors import PodeError
from tests.web.conftest import Web


@pytest.fixture
def issue(tmp_path):
    """Write `NAME.pem`, key and certificate; return them."""

    def make(name, issuer=None):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signing, by = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(signing, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (tmp_path / f"{name}.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(pem)
        )
        (tmp_path / f"{name}.crt").write_bytes(certificate.public_bytes(pem))
        return key, certificate

    return make


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(live, name, context=None):
    """The names in the server's certificate, and what it answers."""
    with (
        socket.create_connection(("127.0.0.1", live.port), timeout=30) as sock,
        (context or trusting()).wrap_socket(sock, server_hostname=name) as wire,
    ):
        found = x509.load_der_x509_certificate(wire.getpeercert(binary_form=True))
        request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
        wire.sendall(request.encode())
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    return found.subject.rfc4514_string(), answer.partition(b"\r\n\r\n")[2].decode()


def test_endpoints_of_one_port_have_a_certificate_each(live_server, issue, tmp_path):
    for name in ("one.example", "two.example"):
        issue(name)

    def set_up():
        for name in ("one.example", "two.example"):
            add_endpoint(name, 8443, "https", certificate=f"{name}.pem", name=name)
        add_route("get", "/", lambda: web_event.endpoint.name)

    live = live_server(set_up, root_path=tmp_path)
    assert len(live.ports) == 1
    assert ask(live, "one.example") == ("CN=one.example", "one.example")
    assert ask(live, "two.example") == ("CN=two.example", "two.example")


def test_a_route_sees_the_certificate_of_an_own_authority(live_server, issue, tmp_path):
    root = issue("root")
    issue("device", root)
    issue("server")

    def set_up():
        add_endpoint(
            protocol="https", certificate="server.pem", client_certificate_authority="root.crt"
        )
        add_route("get", "/", lambda: str(web_event.request.client_certificate))

    live = live_server(set_up, root_path=tmp_path)
    context = trusting()
    context.load_cert_chain(tmp_path / "device.pem")
    assert "'commonName', 'device'" in ask(live, "localhost", context)[1]
    assert ask(live, "localhost")[1] == "None"


@pytest.mark.parametrize(
    "other",
    [
        {"ssl_protocol": "tls13"},
        {"allow_client_certificate": True},
        {"client_certificate_authority": "root.crt"},
    ],
)
def test_what_is_settled_before_the_host_is_known_must_be_the_same(web: Web, other):
    add_endpoint("one.example", 8443, "https", certificate="one.pem")
    with pytest.raises(PodeError, match="can have different certificates, but need the same"):
        add_endpoint("two.example", 8443, "https", certificate="two.pem", **other)


def test_an_authority_needs_https(web: Web):
    with pytest.raises(ValueError, match="need protocol='https'"):
        add_endpoint(client_certificate_authority="root.crt")
