"""Errors have one base class."""

from probes import (
    InputError,
    IomapError,
    ModelError,
    StoreError,
)


def test_errors_have_one_base_class_and_useful_bases():
    for kind in (InputError, ModelError, StoreError):
        assert issubclass(kind, IomapError)
    assert issubclass(InputError, ValueError)
    assert str(InputError("a", "be b", "c")) == "a must be b; got 'c'."
