"""Models: one file for each kind, and ``adapt`` which finds the kind of what a user passes in."""
