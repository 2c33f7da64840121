"""Replies are read up to a limit, packed or not."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from probes.models.servers.transport import Unreadable, read_within


@pytest.mark.parametrize("length", [0, 1, 99, 100])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_up_to_the_limit_replies_are_read_whole(length, encoding):
    assert _read(b"x" * length, encoding, 100) == b"x" * length


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_one_byte_more_is_refused(encoding):
    with pytest.raises(Unreadable, match="longer"):
        _read(b"x" * 101, encoding, 100)


def test_an_encoding_that_was_not_asked_for_is_refused():
    with pytest.raises(Unreadable, match="encoding 'br'"):
        _read(b"x", "br", 100, pack=False)
    with pytest.raises(Unreadable, match="cannot be unpacked"):
        _read(b"x" * 50, "gzip", 100, pack=False)


def _read(content, encoding, most, pack=True):
    wire = gzip.compress(content) if encoding and pack else content

    async def pieces():
        for i in range(0, len(wire), 7):
            yield wire[i : i + 7]

    return asyncio.run(read_within(pieces(), encoding, most))
