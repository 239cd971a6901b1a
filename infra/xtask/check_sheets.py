"""Reads an exported sheet as others do, Python's csv and DuckDB: no cell begins a formula, and what is given back is what it was."""

import csv
import json
import sys

import duckdb

SIGNS = tuple("=+-@\t\r\n＝＋－＠﹦﹢﹣﹫")


def with_python(path):
    csv.field_size_limit(1 << 24)
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, strict=True))


def with_duckdb(path, names):
    read = """
        select * from read_csv(?, header = false, all_varchar = true, auto_detect = false, delim = ',', quote = '"',
                               escape = '"', new_line = '\\r\\n', max_line_size = 4000000, parallel = false,
                               columns = ?)
    """
    rows = duckdb.connect().execute(read, [path, {name: "VARCHAR" for name in names}]).fetchall()
    # An empty cell in quotes is an empty text there, and a null by default here.
    return [["" if cell is None else cell for cell in row] for row in rows]


def main():
    sheet, restored, fields = sys.argv[1:]
    with open(fields, encoding="utf-8") as file:
        # One list a line, where a line ends with \n alone.
        expected = [json.loads(line) for line in file.read().rstrip("\n").split("\n")]
    names = expected[0]
    wrong = []
    for name, read in [("csv", with_python), ("DuckDB", lambda path: with_duckdb(path, names))]:
        shown = read(sheet)
        if len(shown) != len(expected):
            wrong.append(f"{name} reads {len(shown)} rows of {len(expected)}")
        formulas = [cell for row in shown for cell in row if cell.startswith(SIGNS)]
        if formulas:
            wrong.append(f"{name}: {len(formulas)} cells begin as formulas, such as {formulas[0][:40]!r}")
        given = read(restored)
        differ = [(one, other) for one, other in zip(given, expected) if one != other]
        if differ or len(given) != len(expected):
            wrong.append(f"{name}: {len(differ)} rows are not as they were, of {len(given)}: {str(differ[:1])[:400]}")
    cells = sum(len(row) for row in expected[1:])
    print(f"{cells} fields, read by csv {csv.__version__} and DuckDB {duckdb.__version__}")
    for one in wrong:
        print(f"wrong: {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
