"""Running benchmarks: kept trials, records, statistics, figures, published tables."""
