"""What keeps a server from starting: one sentence that says what to do, exit code 1."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.server.program import HELLO, Program, is_listening
from tests.support import skip_or_fail

pytestmark = pytest.mark.own_engine(
    "ports and certificates are opened by the same code; test_uvicorn.py has one of each"
)

HTTPS = """
def server():
    add_endpoint(port=PORT)
    add_endpoint("localhost", PORT + 1, "https", certificate="cert.pem", certificate_key="key.pem")

start_server(server)
"""


def refused(server: Program) -> str:
    """The one sentence of a server that did not start."""
    assert server.end() == 1
    assert server.out == ""
    assert not is_listening(server.port)
    assert "Traceback" not in server.err
    assert server.err.count("\n") == 1
    assert server.err.startswith("pode_py: ")
    return server.err.removeprefix("pode_py: ").rstrip("\n")


def test_a_port_in_use(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = program(HELLO.replace("port=PORT", f"port={port}"))
        assert refused(server) == (
            f"Can't listen on 127.0.0.1 port {port}: another program uses it already. Stop that "
            "program, or choose another port in add_endpoint."
        )


OWN = {
    "a second start_server": "threading.Thread(target=start_server, args=[server], daemon=True)"
    ".start(); started.wait(30); start_server(server)",
    "a socket of the script's": "import socket; kept = socket.create_server(('127.0.0.1', PORT)); "
    "start_server(server)",
}


@pytest.mark.parametrize("how", OWN)
def test_a_port_that_the_program_has_itself(program, how):
    server = program(f"""
started = threading.Event()

def server():
    add_endpoint(port=PORT)
    add_timer("started", 0.001, started.set, limit=1)

{OWN[how]}
""")
    assert server.end() == 1
    text = f"Can't listen on 127.0.0.1 port {server.port}: this program listens on that port itself"
    assert text in server.err
    assert "another program" not in server.err


def test_if_one_of_two_ports_is_in_use_none_is_opened(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        added = f"add_endpoint(port=PORT); add_endpoint(port={port})"
        assert "another program uses it" in refused(
            program(HELLO.replace("add_endpoint(port=PORT)", added))
        )


def test_a_privileged_port(program):
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first <= 81:
        skip_or_fail("On this machine everybody may listen on port 81.")
    drop = "if os.geteuid() == 0: os.setuid(65534)\n"
    script = HELLO.replace("port=PORT", "port=81").replace("start_server", drop + "start_server")
    assert refused(program(script)).startswith(
        "Can't listen on 127.0.0.1 port 81: ports below 1024 need special rights."
    )


def test_an_address_that_this_machine_does_not_have(program):
    server = program(HELLO.replace("port=PORT", '"192.0.2.1", PORT'))
    assert "no network interface of this machine has that address" in refused(server)


def test_a_certificate_that_is_not_there(program, tmp_path):
    assert f"{tmp_path / 'cert.pem'} of an https endpoint does not exist" in refused(program(HTTPS))


def test_a_key_that_is_not_there(program, tmp_path):
    write_pair(tmp_path)
    (tmp_path / "key.pem").unlink()
    assert f"{tmp_path / 'key.pem'} of an https endpoint does not exist" in refused(program(HTTPS))


def test_the_key_of_another_certificate(program, tmp_path):
    write_pair(tmp_path)
    kept = (tmp_path / "cert.pem").read_bytes()
    write_pair(tmp_path)
    (tmp_path / "cert.pem").write_bytes(kept)
    assert "does not belong to its key" in refused(program(HTTPS))


@pytest.mark.parametrize("content", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_garbage_for_a_certificate(program, tmp_path, content):
    write_pair(tmp_path)
    (tmp_path / "cert.pem").write_text(content)
    assert f"The certificate {tmp_path / 'cert.pem'}" in refused(program(HTTPS))


def test_a_directory_for_a_certificate(program, tmp_path):
    (tmp_path / "cert.pem").mkdir()
    assert "cert.pem" in refused(program(HTTPS))


def test_a_pfx_file_with_the_wrong_password(program, tmp_path):
    write_pfx(tmp_path / "cert.pfx", b"right")
    pfx = 'certificate="cert.pfx", certificate_password="wrong"'
    server = program(
        HTTPS.replace('certificate="cert.pem", certificate_key="key.pem"', pfx),
    )
    assert "certificate_password is wrong" in refused(server)


def test_a_pfx_file_that_is_none(program, tmp_path):
    (tmp_path / "cert.pfx").write_bytes(b"garbage")
    server = program(
        HTTPS.replace('certificate="cert.pem", certificate_key="key.pem"', 'certificate="cert.pfx"')
    )
    assert "it is no PFX file" in refused(server)


@pytest.mark.parametrize("what", ["self_signed=True", 'certificate="cert.pfx"'])
def test_without_the_cryptography_package(program, tmp_path, what):
    (tmp_path / "cert.pfx").write_bytes(b"")
    server = program(
        "sys.modules['cryptography'] = None\n"
        + HTTPS.replace('certificate="cert.pem", certificate_key="key.pem"', what)
    )
    assert "pip install 'pode-py[tls]'" in refused(server)


def test_a_forgotten_decorator_is_named_with_its_line(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/forgotten")

start_server(server)
""")
    line = server.path.read_text().splitlines().index('    add_route("get", "/forgotten")') + 1
    message = refused(server)
    assert "/forgotten" in message
    assert f"{server.path}:{line}" in message


def test_routes_without_an_endpoint(program):
    server = program(HELLO.replace("    add_endpoint(port=PORT)\n", ""))
    assert refused(server).startswith(
        "There are routes but no endpoint to reach them: GET /, `<lambda> (server_"
    )


def test_users_can_refuse_to_start_in_the_same_way(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    raise StartError("Set DATABASE_URL before you start this server.")

start_server(server)
""")
    assert refused(server) == "Set DATABASE_URL before you start this server."


def test_in_a_thread_it_is_an_error_to_be_caught(program):
    server = program("""
def server():
    add_route("get", "/", lambda: "hello")

def run():
    try:
        start_server(server)
    except StartError as error:
        say("caught", error)

thread = threading.Thread(target=run)
thread.start()
thread.join()
""").wait_for("caught There are routes but no endpoint")
    assert server.end() == 0


def write_pair(folder: Path) -> None:
    made, private = _make()
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def write_pfx(path: Path, password: bytes) -> None:
    made, private = _make()
    encryption = serialization.BestAvailableEncryption(password)
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"test", private, made, None, encryption)
    )


def _make() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()), key
