"""Families of surrogates: one file for each, a scikit-learn regressor with readable terms."""
