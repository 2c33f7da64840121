"""Stores with known answers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from probes import Store

ANSWERS = st.dictionaries(
    st.binary(min_size=32, max_size=32),
    st.tuples(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
        ),
        st.one_of(st.none(), st.sampled_from(["lm:a", "lm:b:score:12", "ünïcode"])),
    ),
    max_size=20,
)


TEXT = hashlib.sha256(b"text").digest()


def key(i: int) -> bytes:
    return hashlib.sha256(b"%d" % i).digest()


def filled(path: Path | None, numbers: range, shift: float = 0.0, model: str | None = "m") -> Store:
    store = Store(path)
    store.put({key(i): np.array([i + shift, -1.0]) for i in numbers}, model)
    return store


def held(store: Store) -> list[tuple]:
    """All rows, comparable bit for bit."""
    return [(k, v if isinstance(v, str) else v.tobytes(), m) for rows in store.rows() for k, v, m in rows]


def of(answers: dict) -> Store:
    store = Store()
    store.add((k, v if isinstance(v, str) else np.array(v), m) for k, (v, m) in answers.items())
    return store
