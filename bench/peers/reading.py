"""pandas and polars read a csv. See peer.h.

    reading.py pandas|polars THREADS FILE f32|f64

A reader that is not here, or that cannot have so many threads, exits with 3.
"""
import os, sys

reader, threads, path, kind = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads
try:
    import numpy as np
    if reader == "pandas":
        import pandas as module
    else:
        import polars as module
except ImportError:
    sys.exit(3)
if reader == "pandas" and threads != "1":
    sys.exit(3)
import peer


def read():
    if reader == "pandas":
        return module.read_csv(path, dtype="float32" if kind == "f32" else "float64")
    return module.read_csv(path, schema_overrides=schema)


with open(path) as file:
    names = file.readline().strip().split(",")
schema = {name: module.Float32 if kind == "f32" else module.Float64 for name in names} if reader == "polars" else None
values = read().to_numpy()
peer.serve(f"{reader} {module.__version__}", [len(values), float(values.astype(np.float64).sum())], read)
