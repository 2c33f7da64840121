"""Cases for statements: templates, tables and files of cases, hold-outs, metrics and their measurement."""
