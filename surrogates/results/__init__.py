"""What every result can do: JSON, files, provenance."""
