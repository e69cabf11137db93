"""The connection's settings against real sockets: own CA, client certificate, proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments.providers.http import Exchange, HttpOptions, NoAnswer, NotSent, ProviderHttp


@dataclass(frozen=True)
class Paper:
    """A certificate and its key, also as files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_file: str
    key_file: str


def _issue(folder: Path, name: str, issuer: Paper | None = None) -> Paper:
    """A certificate for 127.0.0.1; its own issuer, an authority, where none is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer_key = issuer.key if issuer else key
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=issuer is None,
                crl_sign=issuer is None,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Paper(certificate, key, str(certificate_file), str(key_file))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return _issue(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def ours(authority: Paper, tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return _issue(tmp_path_factory.mktemp("ours"), "ours", authority)


@pytest.fixture(scope="module")
def theirs(authority: Paper, tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return _issue(tmp_path_factory.mktemp("theirs"), "theirs", authority)


class _Quiet(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us is what a test wants, not news."""


@contextmanager
def _server(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    """Answers every request with {}; its host and port, and the requests' first lines."""
    lines: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            lines.append(self.requestline)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_CONNECT(self) -> None:
            lines.append(self.requestline)
            self.send_error(502)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with _Quiet(("127.0.0.1", 0), Handler) as server:
        port = server.server_port
        if context is not None:
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{port}", lines
        finally:
            with suppress(OSError):
                server.shutdown()
            thread.join()


def _tls(paper: Paper, clients: Paper | None = None) -> ssl.SSLContext:
    """A server's side; with `clients` it takes only clients of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paper.certificate_file, paper.key_file)
    if clients is not None:
        context.load_verify_locations(clients.certificate_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _post(base_url: str, options: HttpOptions) -> Exchange:
    http = ProviderHttp(base_url, options)
    return http.call("POST", "/pay", json_body={"Amount": 1}, read_seconds=5)


def test_a_server_of_an_authority_of_our_own_is_trusted(theirs: Paper, authority: Paper) -> None:
    options = HttpOptions(ca_bundle=authority.certificate_file)
    with _server(_tls(theirs)) as (host, lines):
        assert _post(f"https://{host}", options).is_ok
    assert lines == ["POST /pay HTTP/1.1"]


def test_an_untrusted_server_gets_nothing(theirs: Paper, tmp_path: Path) -> None:
    stranger = _issue(tmp_path, "stranger")
    for options in (HttpOptions(), HttpOptions(ca_bundle=stranger.certificate_file)):
        with _server(_tls(theirs)) as (host, lines), pytest.raises(NotSent):
            _post(f"https://{host}", options)
        assert lines == []


def test_a_trusted_certificate_for_another_name_gets_nothing(
    theirs: Paper, authority: Paper
) -> None:
    options = HttpOptions(ca_bundle=authority.certificate_file)
    with _server(_tls(theirs)) as (host, lines), pytest.raises(NotSent):
        _post(f"https://{host.replace('127.0.0.1', 'localhost')}", options)
    assert lines == []


def test_our_certificate_is_shown_to_who_asks_for_it(
    theirs: Paper, ours: Paper, authority: Paper
) -> None:
    with_ours = HttpOptions(
        ca_bundle=authority.certificate_file,
        client_cert=ours.certificate_file,
        client_key=ours.key_file,
    )
    with _server(_tls(theirs, clients=authority)) as (host, lines):
        assert _post(f"https://{host}", with_ours).is_ok
    assert lines == ["POST /pay HTTP/1.1"]
    without = HttpOptions(ca_bundle=authority.certificate_file)
    with _server(_tls(theirs, clients=authority)) as (host, lines), pytest.raises(NoAnswer):
        _post(f"https://{host}", without)
    assert lines == []


def test_a_certificate_and_its_key_may_share_a_file(
    theirs: Paper, ours: Paper, authority: Paper, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(Path(ours.certificate_file).read_bytes() + Path(ours.key_file).read_bytes())
    options = HttpOptions(ca_bundle=authority.certificate_file, client_cert=str(both))
    with _server(_tls(theirs, clients=authority)) as (host, _):
        assert _post(f"https://{host}", options).is_ok


def test_calls_go_through_the_proxy() -> None:
    with _server() as (proxy, lines):
        options = HttpOptions(proxy=f"http://{proxy}")
        assert _post("http://provider.example", options).is_ok
        with pytest.raises(NoAnswer):  # this proxy makes no tunnels
            _post("https://provider.example", options)
    assert [line.rpartition(" ")[0] for line in lines] == [
        "POST http://provider.example/pay",
        "CONNECT provider.example:443",
    ]


def test_a_proxy_of_the_surroundings_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with _server() as (proxy, seen), _server() as (host, lines):
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy}")
        assert _post(f"http://{host}", HttpOptions()).is_ok
    assert (seen, lines) == ([], ["POST /pay HTTP/1.1"])
