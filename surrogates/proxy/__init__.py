"""The proxy: a Gaussian process on 0/1 rows from which readable families learn."""
