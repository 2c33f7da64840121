"""What a feature of a text may be: one file for each kind of unit, and the table of their names."""
