"""From a model's raw output to the number that is explained."""
