"""Shapley, Banzhaf and interaction indices, exact or estimated from paired questions."""
