"""Runs all rows against both adapters, several at once, and keeps what was seen for all the tests of this process."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor

from support import ADAPTER, AWS_ADAPTER

from . import rows_answers, rows_large, rows_requests, rows_start, rows_streams
from .sandbox import path_of

ROWS = {**rows_start.ROWS, **rows_requests.ROWS, **rows_answers.ROWS, **rows_large.ROWS, **rows_streams.ROWS}


@functools.cache
def results():
    """`{group: [(row, ours, theirs)]}`."""
    binaries = [path_of(ADAPTER), path_of(AWS_ADAPTER)]
    rows = [row for group in ROWS.values() for row in group]
    # A row mostly waits; those that take long by their nature begin first.
    with ThreadPoolExecutor(4 * (os.cpu_count() or 1)) as pool:
        runs = {
            id(row): [pool.submit(row.run, binary, binary == ADAPTER) for binary in binaries]
            for row in sorted(rows, key=lambda row: not row.slow)
        }
        return {
            group: [(row, *(run.result() for run in runs[id(row)])) for row in rows] for group, rows in ROWS.items()
        }
