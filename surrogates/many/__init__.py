"""Many inputs: one stream of questions, a set of explanations, a surrogate of them all."""
