"""HTTPS: certificates, handshakes that stall, big answers, streams, and the farewell."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509

from pode_py.core.errors import StartError
from pode_py.engine import client_certificates
from pode_py.engine.certificates import TlsSettings
from pode_py.engine.client_certificates import UncheckedContext
from pode_py.engine.options import Limits
from pode_py.http.response import Response
from tests.engine.house import file_body, plain, text_response, trusting, wait_until


@pytest.fixture
def tls(pki):
    return TlsSettings(certificate=pki.certificate, certificate_key=pki.key)


def test_requests_and_answers_travel_over_tls(build, poller, tls):
    house = build(tls=tls, poller=poller)
    with house.tls_wire() as wire:
        for number in range(5):
            wire.ask("POST", f"/{number}", body=b"x" * 100_000)
            assert wire.answer().body == f"POST /{number} ".encode() + b"x" * 100_000
    assert {request.scheme for request in house.seen} == {"https"}


def test_pipelining_works_over_tls(build, poller, tls):
    house = build(tls=tls, poller=poller)
    with house.tls_wire() as wire:
        wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(300)))
        assert [wire.answer().body for n in range(300)] == [b"GET /%d " % n for n in range(300)]


@pytest.mark.parametrize(
    "name", ["two files", "one file", "locked key", "pfx", "open pfx", "self-signed"]
)
def test_every_kind_of_certificate_works(build, pki, name):
    settings = {
        "two files": TlsSettings(pki.certificate, pki.key),
        "one file": TlsSettings(pki.both),
        "locked key": TlsSettings(pki.certificate, pki.locked_key, "geheim"),
        "pfx": TlsSettings(pki.pfx, certificate_password="geheim"),
        "open pfx": TlsSettings(pki.open_pfx),
        "self-signed": TlsSettings(self_signed=True),
    }[name]
    assert build(tls=settings).get().status == 200


def test_a_self_signed_certificate_names_localhost_and_its_addresses(build):
    house = build(tls=TlsSettings(self_signed=True))
    pem = ssl.get_server_certificate(("127.0.0.1", house.port), timeout=10)
    context = ssl.create_default_context(cadata=pem)
    for name in ("localhost", "127.0.0.1"):
        with (
            socket.create_connection(("127.0.0.1", house.port), timeout=10) as sock,
            context.wrap_socket(sock, server_hostname=name) as wire,
        ):
            wire.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "needs certificate= or self_signed=True"),
        ("no such file", "nowhere.pem of an https endpoint does not exist"),
        ("no such key", "nowhere.key of an https endpoint does not exist"),
        ("no such pfx", "nowhere.pfx of an https endpoint can't be read"),
        ("garbage", "can't be used"),
        ("garbage key", "or its key can't be read"),
        ("no key", "PEM file needs its key in it"),
        ("wrong key", "does not belong to its key"),
        ("no password", "Pass its password as certificate_password"),
        ("wrong password", "certificate_password does not open"),
        ("garbage pfx", "is no PFX file, or certificate_password"),
        ("no pfx password", "certificate_password is wrong"),
        ("wrong pfx password", "certificate_password is wrong"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said_in_a_sentence(build, pki, name, message):
    nowhere = pki.folder / "nowhere.pem"
    settings = {
        "nothing": TlsSettings(),
        "no such file": TlsSettings(nowhere),
        "no such key": TlsSettings(pki.certificate, pki.folder / "nowhere.key"),
        "no such pfx": TlsSettings(pki.folder / "nowhere.pfx"),
        "garbage": TlsSettings(pki.garbage),
        "garbage key": TlsSettings(pki.certificate, pki.garbage),
        "no key": TlsSettings(pki.certificate),
        "wrong key": TlsSettings(pki.certificate, pki.other_key),
        "no password": TlsSettings(pki.certificate, pki.locked_key),
        "wrong password": TlsSettings(pki.certificate, pki.locked_key, "falsch"),
        "garbage pfx": TlsSettings(pki.bad_pfx, certificate_password="geheim"),
        "no pfx password": TlsSettings(pki.pfx),
        "wrong pfx password": TlsSettings(pki.pfx, certificate_password="falsch"),
    }[name]
    with pytest.raises(StartError) as caught:
        build(tls=settings)
    text = str(caught.value)
    assert message in text
    assert text.endswith(".")
    assert "\n" not in text


def test_a_client_certificate_is_asked_for_and_shown(build, pki):
    settings = TlsSettings(pki.certificate, pki.key, allow_client_certificate=True)
    house = build(tls=settings)
    assert house.get().status == 200
    assert house.seen[0].client_certificate is None
    context = trusting()
    context.load_cert_chain(pki.certificate, pki.key)
    with house.tls_wire(context) as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
    shown = house.seen[1].client_certificate
    assert shown["subject"] == ((("commonName", "localhost"),),)


def shown_to(house, *files, version=None):
    """What the handler knows of a client's certificate."""
    context = trusting()
    if version is not None:
        context.maximum_version = version
    if files:
        context.load_cert_chain(*files)
    with house.tls_wire(context) as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
    return house.seen[-1].client_certificate


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
@pytest.mark.parametrize("who", ["self-signed", "of a root that nobody knows"])
def test_without_an_authority_any_client_certificate_is_shown_as_unchecked(
    build, pki, version, who
):
    house = build(tls=TlsSettings(pki.certificate, pki.key, allow_client_certificate=True))
    root = None if who == "self-signed" else pki.issue("Somebody's root")
    device = pki.file("device.pem", *pki.issue("device-7", root))
    for _ in range(2):  # the second time it is known
        shown = shown_to(house, device, version=version)
        assert shown["subject"] == ((("commonName", "device-7"),),)
        assert shown.errors.startswith("It is not checked who issued the certificate")
    assert shown_to(house, version=version) is None


@VERSIONS
def test_without_an_authority_an_expired_client_certificate_ends_the_handshake(build, pki, version):
    house = build(tls=TlsSettings(pki.certificate, pki.key, allow_client_certificate=True))
    with pytest.raises((OSError, EOFError)):
        shown_to(house, pki.file("old.pem", *pki.issue("device-7", begins=-10)), version=version)
    wait_until(lambda: house.refused)
    assert house.refused[0].startswith("The client's certificate is not trusted: ")
    assert shown_to(house) is None  # the server goes on


def test_what_a_context_remembers_of_clients_has_an_end(build, pki, monkeypatch):
    made = []
    make = UncheckedContext.__new__
    monkeypatch.setattr(client_certificates, "_MOST_KNOWN", 1000)
    monkeypatch.setattr(
        UncheckedContext, "__new__", lambda *given: made.append(make(*given)) or made[-1]
    )
    house = build(tls=TlsSettings(pki.certificate, pki.key, allow_client_certificate=True))
    for number in range(6):
        device = pki.file(f"{number}.pem", *pki.issue(f"device-{number}"))
        assert shown_to(house, device)["subject"] == ((("commonName", f"device-{number}"),),)
    assert len(made) > 1
    assert all(context.known < 3000 for context in made)


@pytest.mark.parametrize(
    "message", [b"", b"\x0b", b"\x0b\0\0\x04\0\xff\xff\xff", b"\x0b\0\0\x03\0\0\0", b"\x0b" * 9]
)
def test_a_message_without_a_certificate_teaches_nothing(message):
    context = UncheckedContext(ssl.PROTOCOL_TLS_SERVER)
    wire = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    context._msg_callback(wire, "read", None, None, 11, message)
    assert context.known == 0
    assert context.get_ca_certs() == []


def test_a_client_certificate_of_an_own_authority_is_shown(build, pki):
    root = pki.issue("Own root")
    settings = TlsSettings(
        pki.certificate, pki.key, client_certificate_authority=pki.file("root.pem", root[1])
    )
    house = build(tls=settings)
    device = pki.file("device.pem", *pki.issue("device-7", root))
    assert shown_to(house, device)["subject"] == ((("commonName", "device-7"),),)
    assert shown_to(house, device)["issuer"] == ((("commonName", "Own root"),),)
    assert shown_to(house) is None


def test_the_file_of_authorities_may_hold_the_clients_certificates_themselves(build, pki):
    root = pki.issue("A root that is not in it")
    alone, issued = pki.issue("alone"), pki.issue("issued", root)
    known = pki.file("known.pem", alone[1], issued[1])
    house = build(tls=TlsSettings(pki.certificate, pki.key, client_certificate_authority=known))
    for name, pair in (("alone", alone), ("issued", issued)):
        subject = shown_to(house, pki.file(f"{name}.pem", *pair))["subject"]
        assert subject == ((("commonName", name),),)


@pytest.mark.parametrize("who", ["stranger", "of another root", "expired"])
def test_only_the_own_authority_counts_and_the_log_says_whom_it_refused(build, pki, who):
    root = pki.issue("Own root")
    pair = {
        "stranger": pki.issue("stranger"),
        "of another root": pki.issue("device", pki.issue("Own root")),
        "expired": pki.issue("device", root, begins=-10),
    }[who]
    house = build(
        tls=TlsSettings(
            pki.certificate, pki.key, client_certificate_authority=pki.file("own.pem", root[1])
        )
    )
    context = trusting()
    context.load_cert_chain(pki.file("client.pem", *pair))
    with contextlib.suppress(OSError, EOFError), house.tls_wire(context) as wire:
        wire.ask("GET", "/")
        wire.answer()
        pytest.fail("It was served.")
    wait_until(lambda: house.refused)
    (text,) = house.refused
    assert text.startswith("The client's certificate is not trusted: ")
    assert house.seen == []
    assert shown_to(house) is None  # the server goes on


@pytest.mark.parametrize("name", ["nowhere.pem", "garbage.pem"])
def test_what_is_wrong_with_the_authorities_is_said_in_a_sentence(build, pki, name):
    settings = TlsSettings(pki.certificate, pki.key, client_certificate_authority=pki.folder / name)
    with pytest.raises(StartError, match=r"client_certificate_authority") as caught:
        build(tls=settings)
    assert str(pki.folder / name) in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("localhost", "localhost"),
        ("one.example", "one.example"),
        ("ONE.example", "one.example"),
        ("any.two.example", "*.two.example"),
        ("special.two.example", "special.two.example"),
        ("unknown.example", "localhost"),
        ("two.example", "localhost"),
        (None, "localhost"),
    ],
)
def test_each_host_name_can_have_its_certificate(build, pki, asked, given):
    names = ["one.example", "*.two.example", "special.two.example"]
    others = tuple(
        (name, TlsSettings(pki.file(f"{number}.pem", *pki.issue(name))))
        for number, name in enumerate(names)
    )
    house = build(tls=TlsSettings(pki.both, others=others))
    context = trusting()
    with (
        socket.create_connection(("127.0.0.1", house.port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname=asked) as wire,
    ):
        found = x509.load_der_x509_certificate(wire.getpeercert(binary_form=True))
        assert found.subject.rfc4514_string() == f"CN={given}"
        assert wire.selected_alpn_protocol() is None
        wire.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.recv(12) == b"HTTP/1.1 200"


def test_a_certificate_that_is_made_on_the_spot_names_its_host(build):
    house = build(tls=TlsSettings(self_signed=True, hostname="one.example"))
    pem = ssl.get_server_certificate(("127.0.0.1", house.port), timeout=10)
    context = ssl.create_default_context(cadata=pem)
    with (
        socket.create_connection(("127.0.0.1", house.port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="one.example") as wire,
    ):
        assert wire.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("begins", "warning"),
    [
        (-10, "has expired: it was valid until "),
        (5, "is not valid before "),
        (-1, None),
    ],
)
@pytest.mark.parametrize("kind", ["pem", "pfx", "other host"])
def test_a_certificate_that_clients_will_refuse_for_its_dates_is_said(
    build, pki, begins, warning, kind
):
    pair = pki.issue("localhost", begins=begins)
    file = pki.file("dated.pem", *pair)
    settings = TlsSettings(file)
    if kind == "pfx":
        settings = TlsSettings(pki.pfx_file("dated.pfx", *pair))
    elif kind == "other host":
        settings = TlsSettings(pki.both, others=(("one.example", settings),))
    house = build(tls=settings)
    if warning is None:
        assert house.warnings == []
        return
    (text,) = house.warnings
    assert text.startswith(f"The certificate dated.{'pfx' if kind == 'pfx' else 'pem'} of an https")
    assert warning in text


def test_dates_after_2049_are_read(build, pki):
    house = build(tls=TlsSettings(pki.file("far.pem", *pki.issue("localhost", begins=30 * 365))))
    (text,) = house.warnings
    assert "is not valid before 205" in text


def test_no_certificate_is_asked_for_unless_wanted(build, pki, tls):
    house = build(tls=tls)
    context = trusting()
    context.load_cert_chain(pki.certificate, pki.key)
    with house.tls_wire(context) as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
    assert house.seen[0].client_certificate is None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_of_tls_are_refused(build, tls, version):
    house = build(tls=tls)
    context = trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(OSError, match=r"(?i)version|protocol|reset|handshake"):
        house.tls_wire(context)
    assert house.get().status == 200


@pytest.mark.parametrize(
    ("protocols", "version"), [(("tls12",), "TLSv1.2"), (("tls13",), "TLSv1.3"), ((), "TLSv1.3")]
)
def test_the_versions_may_be_chosen(build, pki, protocols, version):
    house = build(tls=TlsSettings(pki.certificate, pki.key, protocols=protocols))
    with house.tls_wire() as wire:
        assert wire.sock.version() == version
        wire.ask("GET", "/")
        assert wire.answer().status == 200


def test_alpn_offers_http_1_1(build, tls):
    house = build(tls=tls)
    context = trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with house.tls_wire(context) as wire:
        assert wire.sock.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\x00\x05hello"]
)
def test_what_is_no_tls_ends_its_connection(build, poller, tls, data):
    house = build(tls=tls, poller=poller)
    with house.wire() as wire:
        wire.send(data)
        assert b"HTTP/1.1 200" not in wire.rest()
    assert house.get().status == 200
    assert len(house.seen) == 1


@pytest.mark.own_engine("asyncio gives a handshake 60 seconds")
def test_handshakes_that_stall_hold_no_worker_and_are_cut(build, poller, tls):
    house = build(tls=tls, poller=poller, threads=1, limits=Limits(handshake_timeout=0.5))
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(house.wire()) for _ in range(10)]
        halves = [stack.enter_context(house.wire()) for _ in range(10)]
        for wire in halves:
            wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert house.get().status == 200
        for wire in silent + halves:
            wire.rest()
        wait_until(lambda: house.engine.connections == 0)


def test_a_handshake_may_arrive_byte_by_byte(build, tls):
    house = build(tls=tls)
    context = trusting()
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(into, out, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as sock:

        def attempt(call):
            while True:
                try:
                    found = call()
                except ssl.SSLWantReadError:
                    found = None
                for byte in out.read():
                    sock.send(bytes([byte]))
                if found is not None:
                    return found
                into.write(sock.recv(65536))

        attempt(lambda: client.do_handshake() or True)
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert attempt(lambda: client.read(12)) == b"HTTP/1.1 200"


@pytest.mark.parametrize("kind", ["bytes", "file", "iterator"])
def test_a_big_answer_over_tls_is_whole(build, poller, tls, tmp_path, kind):
    path = tmp_path / "big"
    content = b"".join(bytes([number]) * 500_000 for number in range(60))
    path.write_bytes(content)

    def handle(exchange):
        if exchange.request.path != "/big":
            plain(exchange)
        elif kind == "bytes":
            exchange.reply(text_response(content))
        elif kind == "file":
            exchange.reply(Response(200, file_body(path)))
        else:
            exchange.reply(
                text_response(
                    content[at : at + 3_000_000] for at in range(0, 30_000_000, 3_000_000)
                )
            )

    house = build(handle, tls=tls, poller=poller, threads=2)
    with house.tls_wire(slow=True) as wire:
        wire.ask("GET", "/big")
        time.sleep(0.05)  # so that the socket is full before the first byte is read
        assert house.get("/other").status == 200
        assert wire.answer().body == content
        wire.ask("GET", "/next")
        assert wire.answer().body == b"GET /next "


def test_a_stream_works_over_tls(build, poller, tls):
    outboxes, gone = [], threading.Event()

    def handle(exchange):
        outbox = exchange.upgrade(Response())
        exchange.on_close(gone.set)
        outbox.release()
        outboxes.append(outbox)

    house = build(handle, tls=tls, poller=poller)
    with house.tls_wire() as wire:
        wire.ask("GET", "/")
        wait_until(lambda: outboxes)
        for number in range(200):
            outboxes[0].put(b"%d;" % number)
        outboxes[0].put(b"x" * 600_000)
        outboxes[0].end(b"bye")
        body = wire.answer().body
    assert body == b"".join(b"%d;" % n for n in range(200)) + b"x" * 600_000 + b"bye"
    assert gone.wait(30)


@pytest.mark.parametrize("how", ["close", "reset", "unwrap"])
def test_a_tls_client_that_leaves_its_stream_is_missed(build, poller, tls, how):
    gone = threading.Event()

    def handle(exchange):
        outbox = exchange.upgrade(Response())
        exchange.on_close(gone.set)
        outbox.put(b"hello")
        outbox.release()

    house = build(handle, tls=tls, poller=poller)
    with house.tls_wire() as wire:
        wire.ask("GET", "/")
        wire.head()
        wire.until(b"hello\r\n")
        if how == "unwrap":
            wire.sock.settimeout(0.2)
            with contextlib.suppress(OSError):
                wire.sock.unwrap()
        else:
            getattr(wire, how)()
        assert gone.wait(30)
    wait_until(lambda: house.engine.connections == 0)


@pytest.mark.parametrize("target", ["/", "/big", "/stream"])
def test_the_end_is_announced_with_close_notify(build, poller, tls, target):
    def handle(exchange):
        if exchange.request.path == "/stream":
            exchange.upgrade(Response()).end(b"all")
        else:
            size = 20_000_000 if exchange.request.path == "/big" else 3
            exchange.reply(text_response(b"x" * size))

    house = build(handle, tls=tls, poller=poller)
    with house.tls_wire(slow=target == "/big") as wire:
        wire.ask("GET", target, "Connection: close")
        assert wire.answer().body
        # Without close_notify this would be an SSLEOFError.
        assert wire.sock.recv(1) == b""


def test_an_idle_tls_connection_ends_with_close_notify(build, tls):
    house = build(tls=tls, limits=Limits(keep_alive_timeout=0.3))
    with house.tls_wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        assert wire.sock.recv(1) == b""


@pytest.mark.own_engine("asyncio closes TLS when the client has finished sending")
def test_a_tls_client_that_has_finished_sending_gets_its_answer(build, tls):
    gate = threading.Event()

    def handle(exchange):
        assert gate.wait(30)
        exchange.reply(text_response(b"x" * 300_000))

    house = build(handle, tls=tls)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(into, out, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as sock:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(out.read())
                into.write(sock.recv(65536))
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ssl.SSLWantReadError):
            client.unwrap()  # our close_notify
        sock.sendall(out.read())
        wait_until(lambda: house.seen)
        gate.set()
        received = b""
        while data := sock.recv(65536):
            received += data
    assert len(received) > 300_000


def test_hundreds_of_tls_connections_leave_nothing(build, tls):
    house = build(tls=tls)
    context = trusting()
    for number in range(200):
        with house.tls_wire(context) as wire:
            if number % 2:
                wire.ask("GET", "/")
                assert wire.answer().status == 200
    wait_until(lambda: house.engine.connections == 0)
