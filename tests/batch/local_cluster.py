"""A Dask cluster of two worker processes on this machine. Tells its address and the workers' process ids; ends with its standard input."""

from __future__ import annotations

import json
import sys

from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None, local_directory=sys.argv[1]) as cluster:
        print(json.dumps({"address": cluster.scheduler_address, "workers": [each.pid for each in cluster.workers.values()]}), flush=True)
        sys.stdin.read()
