"""How long DuckDB takes to write a CSV's table as CSV: `duckdb_copy.py FILE`, and JSON on standard output."""

import json
import statistics
import sys
import tempfile
import time

import duckdb

RUNS = 5

database = duckdb.connect()
database.execute(
    "CREATE TABLE sheet AS SELECT * FROM read_csv(?, all_varchar = true, header = true, quote = '\"', escape = '\"',"
    " delim = ',', max_line_size = 16777216)",
    [sys.argv[1]],
)
rows = database.execute("SELECT count(*) FROM sheet").fetchone()[0]
took = []
with tempfile.TemporaryDirectory() as folder:
    for run in range(RUNS):
        began = time.perf_counter()
        database.execute(f"COPY sheet TO '{folder}/{run}.csv' (FORMAT csv, HEADER, FORCE_QUOTE *)")
        took.append(time.perf_counter() - began)
print(json.dumps({"rows": rows, "seconds": statistics.median(took)}))
