"""The answer store: every answer that was paid for, in one SQLite file."""
