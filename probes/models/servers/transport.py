"""How a server is reached: no redirect is followed, and a reply is read up to a limit."""

from __future__ import annotations

import os
import ssl
import sys
import zlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from probes.models.servers.api_key import hidden

__all__ = ["MOST_BYTES", "Unreadable", "read_within", "redirected_to", "transport"]

#: bytes of a reply, decompressed; a reply that is longer is no answer
MOST_BYTES = 16 * 2**20
#: headers of a reply that no longer hold for its decompressed content
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")


class Unreadable(Exception):
    """A reply that is too long, or packed in a way that cannot be unpacked within the limit."""


async def read_within(pieces: AsyncIterator[bytes], encoding: str, most: int) -> bytes:
    """Read a reply and unpack it, at most `most` bytes of it.

    Parameters
    ----------
    pieces : async iterator of bytes
        As they come from the server.
    encoding : str
        The header ``Content-Encoding``.
    most : int

    Raises
    ------
    Unreadable
        As soon as the reply is longer, before more of it is unpacked; or if it cannot be unpacked.
    """
    packed = encoding.strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Unreadable(f"the reply has the encoding {packed[:40]!r}; gzip was asked for")
    unpack = zlib.decompressobj(47) if packed not in ("", "identity") else None
    content = bytearray()
    async for piece in pieces:
        # one byte more than there is room for tells a longer reply from one that just fits
        try:
            content += piece if unpack is None else unpack.decompress(piece, most + 1 - len(content))
        except zlib.error:
            raise Unreadable(f"the reply cannot be unpacked ({packed[:40]})") from None
        if len(content) > most:
            raise Unreadable(f"the reply is longer than {most / 2**20:g} MiB")
    return bytes(content)


def redirected_to(location: str, url: str, key: str | None) -> str:
    """Return scheme, host and port of a redirect's target, which hold no credentials.

    Examples
    --------
    >>> redirected_to("https://me:secret@example.org/v1?token=1", "http://127.0.0.1:8000/v1", None)
    'https://example.org'
    >>> redirected_to("/v2/", "http://127.0.0.1:8000/v1", None)
    'http://127.0.0.1:8000'
    """
    try:
        parts = urlsplit(urljoin(url, location))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    shown = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"
    return hidden(shown if shown.isprintable() else ascii(shown), key)[:200]


def transport(openai: Any, timeout: float) -> Any:
    """Make the HTTP client that the ``openai`` client is given."""

    class Transport(openai.DefaultAsyncHttpxClient):
        """Follows no redirect, and reads no more of a reply than the limit."""

        async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            response = await super().send(request, stream=True, **{**options, "follow_redirects": False})
            try:
                encoding = response.headers.get("content-encoding", "")
                content = await read_within(response.aiter_raw(), encoding, MOST_BYTES)
            finally:
                await response.aclose()
            headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _OF_THE_WIRE]
            # a new response of the same class (httpx or httpx2, as the openai client has it), which is read already
            return type(response)(
                response.status_code, headers=headers, content=content, request=request, extensions=response.extensions
            )

    package = next(kind for kind in Transport.__mro__ if kind.__name__ == "AsyncClient").__module__.partition(".")[0]
    return Transport(
        timeout=timeout,
        follow_redirects=False,
        headers={"accept-encoding": "gzip"},
        event_hooks={"response": [_set_target_aside]},
        verify=_verification(package, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
    )


@lru_cache(maxsize=1)
def _verification(package: str, *_certificates: str | None) -> ssl.SSLContext:
    """Read what https is verified with, as httpx or httpx2 does by itself for each client; it takes 20 ms."""
    context: ssl.SSLContext = sys.modules[package].create_ssl_context()
    return context


async def _set_target_aside(response: Any) -> None:
    """Move a redirect's target out of the headers: the client would read it although it follows none."""
    response.extensions["location"] = response.headers.pop("location", "")
