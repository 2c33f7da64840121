"""All drawing: HTML pages, plain text, matplotlib plots."""
