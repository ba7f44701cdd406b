"""Recounts an Online Retail file: what stock_state must say of every SKU once the whole file has been imported.

    python recount.py online-retail.csv.gz --initial-stock 1000000 [--limit INVOICES] [--rejected rejected.json]

--rejected names a JSON list of the invoices that were not accepted: "536365", or "536365 (2)" for the second time that
number occurs; without it everything counts as accepted, as it is when stock is ample. Prints one JSON object:
{skus: {SKU: {on_hand, reserved, sold}}, invoices, orders, returns, adjustments, skippedInvoices, skippedRows, lines, units,
returnedUnits, totalMinor}. Standard library only.
"""

import argparse
import csv
import gzip
import itertools
import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal


def rows_of(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def sku_of(row):
    return row["StockCode"].strip().upper()


def minor_units(quantity, price):
    return int((Decimal(price) * quantity * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def invoices_of(rows):
    """(name, number, rows) of each run of consecutive rows with one number."""
    seen = Counter()
    for number, group in itertools.groupby(rows, key=lambda row: row["InvoiceNo"]):
        seen[number] += 1
        name = number if seen[number] == 1 else f"{number} ({seen[number]})"
        yield name, number, list(group)


def recount(path, initial_stock, limit, rejected):
    on_hand = {sku_of(row): initial_stock for row in rows_of(path)}
    sold = Counter()
    skipped_rows = Counter()
    totals = Counter()

    for name, number, rows in itertools.islice(invoices_of(rows_of(path)), limit):
        totals["invoices"] += 1
        per_sku = Counter()
        total = 0
        if number.startswith("C"):
            for row in rows:
                quantity = abs(int(row["Quantity"]))
                if quantity == 0:
                    skipped_rows["quantity zero in a return"] += 1
                else:
                    per_sku[sku_of(row)] += quantity
        else:
            for row in rows:
                quantity = int(row["Quantity"])
                if quantity <= 0:
                    skipped_rows["quantity not positive"] += 1
                elif Decimal(row["UnitPrice"]) <= 0:
                    skipped_rows["price not positive"] += 1
                else:
                    per_sku[sku_of(row)] += quantity
                    total += minor_units(quantity, row["UnitPrice"])

        if not per_sku:
            totals["skippedInvoices"] += 1
        elif name in rejected:
            totals["rejected"] += 1
        elif number.startswith("C"):
            totals["returns"] += 1
            totals["adjustments"] += len(per_sku)
            totals["returnedUnits"] += per_sku.total()
            for sku, quantity in per_sku.items():
                on_hand[sku] += quantity
        else:
            totals["orders"] += 1
            totals["lines"] += len(per_sku)
            totals["units"] += per_sku.total()
            totals["totalMinor"] += total
            for sku, quantity in per_sku.items():
                on_hand[sku] -= quantity
                sold[sku] += quantity

    names = ("invoices", "orders", "returns", "adjustments", "rejected", "skippedInvoices")
    sums = ("lines", "units", "returnedUnits", "totalMinor")
    return {
        "skus": {sku: {"on_hand": on_hand[sku], "reserved": 0, "sold": sold[sku]} for sku in sorted(on_hand)},
        **{name: totals[name] for name in names + sums},
        "skippedRows": dict(skipped_rows),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--initial-stock", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--limit", type=int, default=None, metavar="INVOICES")
    parser.add_argument("--rejected", metavar="FILE")
    arguments = parser.parse_args()
    rejected = set()
    if arguments.rejected is not None:
        with open(arguments.rejected, encoding="utf-8") as file:
            rejected = set(json.load(file))
    print(json.dumps(recount(arguments.file, arguments.initial_stock, arguments.limit, rejected)))


if __name__ == "__main__":
    main()
