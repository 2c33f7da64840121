"""What is generally true of a model? Statements found, frozen, tested, and put on a card."""
