"""Asking: questions in batches, none twice, every answer kept before it is used, and what it cost."""
