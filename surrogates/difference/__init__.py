"""What changed? Two models asked the same questions, and the difference of their answers explained."""
