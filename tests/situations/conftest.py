"""What situations share with other tests: pages that are harmless."""

from tests.surrogates.conftest import harmless

__all__ = ["harmless"]
