"""Workers that answer and fit: processes, Ray, Dask."""
