"""Other libraries behind the interface that the benchmarks use."""
