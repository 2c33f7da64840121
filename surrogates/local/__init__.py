"""Why this output? Explanations, anchors, Shapley values and checks of one input."""
