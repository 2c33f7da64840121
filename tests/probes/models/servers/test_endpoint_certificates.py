"""Endpoint: whom https speaks to is verified, for every client and by certificates that are read once."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from probes import Endpoint, UnavailableError
from tests.helpers.fake_server import put, truth
from tests.helpers.when_used import when_used

when_used("openai")

#: for 127.0.0.1, signed by itself
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoux2Q+E/rWhjSamf
2uHitdInn7aB3K7iGT2seCV6Vf2hRANCAARf9mbjmlZXQWib+yReqL8OwG3v5P8e
02O+xVU5iV/8JHxas5iBV3nidHrfLynlc8IXP5ST/852xvaB/O1V/A3k
-----END PRIVATE KEY-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBkTCCATagAwIBAgIUANjuJm+Mb38I/seTsxlDZlIkQTYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyODAxMTUyMFoYDzIxMjYxMTA0
MDExNTIwWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARf9mbjmlZXQWib+yReqL8OwG3v5P8e02O+xVU5iV/8JHxas5iBV3ni
dHrfLynlc8IXP5ST/852xvaB/O1V/A3ko2QwYjAdBgNVHQ4EFgQUO1nvMk7mzXFX
oUngycpUfmxDA80wHwYDVR0jBBgwFoAUO1nvMk7mzXFXoUngycpUfmxDA80wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC
IQDZqGF1FmpK0g7O0lo/xRGWrvwLJijVfxEQAficg0z+FwIhAJ8HgwJkN8dd3v6D
ZW7Dcj9laRCPOQSEbiU4uDeoDMfH
-----END CERTIFICATE-----
"""


@pytest.fixture
def server(serve, tmp_path: Path):
    """Serves over https."""
    (tmp_path / "server.pem").write_text(KEY + CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    plain = serve()
    plain.socket = context.wrap_socket(plain.socket, server_side=True)
    return plain


def test_a_server_that_nobody_vouches_for_is_sent_nothing(server, tmp_path, monkeypatch):
    url = server.url.replace("http:", "https:")
    with pytest.raises(UnavailableError):
        put(Endpoint(url, "m"), rows=2)
    assert not server.seen
    (tmp_path / "known.pem").write_text(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
    assert put(Endpoint(url, "m"), rows=2).y[:, 0].tolist() == truth(2).tolist()
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UnavailableError):
        put(Endpoint(url, "m"), rows=3)


def test_certificates_are_read_once(serve, monkeypatch):
    read, load = [], ssl.SSLContext.load_verify_locations

    def counted(*given, **by_name):
        read.append(given)
        return load(*given, **by_name)

    monkeypatch.setenv("SSL_CERT_DIR", str(Path.cwd()))  # read by nobody before
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    for _ in range(3):
        put(Endpoint(serve().url, "m"), rows=2)
    assert len(read) == 1
