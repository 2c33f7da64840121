"""Tests mirror the rooms of the two packages; ``helpers`` holds what several of them use."""
