#!/usr/bin/python3
"""The metric store beside its peers: ingest, kill -9, disk, queries, as one table with the goals.

    bench/metrics.py [--rounds N] [--phases ingest,crash,query] [--results FILE]

The driver and its data are ../shared/bench/metrics/bench.py beside the checkout (it needs prometheus and
victoria-metrics installed; either may be missing). With --results, the table of an earlier run's --out file."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVER = os.path.join(ROOT, "..", "shared", "bench", "metrics", "bench.py")
BINARY = os.path.join(ROOT, "build", "release", "wellrun")
SERVE = (f"{BINARY} serve --data {{data}} --listen 127.0.0.1:{{port}} --no-auth"
         " --retention 100y --out-of-order-window 100y")
PEERS = {"prometheus": "prometheus", "victoriametrics": "victoria-metrics"}


def median(results, phase, target, key):
    rounds = results.get(phase, {}).get(target)
    return statistics.median(r[key] for r in rounds) if rounds else None


def load(results, data_set, target, key):
    return results.get("query", {}).get(data_set, [{}])[0].get(target, {}).get(key)


# what, how to read it, the goal: of our figure and the peers' (None: not measured), true when reached
ROWS = [
    ("remote-write samples/s, steady", lambda r, t: median(r, "ingest", t, "steady_rate"),
     "≥ 2 × VictoriaMetrics", lambda ours, peers: ours >= 2 * peers.get("victoriametrics", 0)),
    ("first scrape (100,000 new series), samples/s", lambda r, t: median(r, "ingest", t, "new_series_rate"),
     "≥ 5 × the better", lambda ours, peers: ours >= 5 * max(peers.values(), default=0)),
    ("server CPU seconds per million samples", lambda r, t: median(r, "ingest", t, "cpu_per_m"),
     "≤ 0.6", lambda ours, _: ours <= 0.6),
    ("disk bytes per sample, day, settled", lambda r, t: load(r, "day", t, "live_bytes_per_sample"),
     "≤ 0.80 in all", lambda ours, _: ours <= 0.80),
    ("disk bytes per sample, fleet, clean stop", lambda r, t: median(r, "ingest", t, "bytes_per_sample"),
     "≤ 2.5", lambda ours, _: ours <= 2.5),
    ("peak memory, fleet, MiB", lambda r, t: median(r, "ingest", t, "rss_mib"),
     "≤ 220", lambda ours, _: ours <= 220),
    ("acknowledged samples lost by kill -9", lambda r, t: median(r, "crash", t, "lost"),
     "0", lambda ours, _: ours == 0),
    ("restart to first answer after kill -9, s", lambda r, t: median(r, "crash", t, "first_answer_s"),
     "≤ 0.30", lambda ours, _: ours <= 0.30),
    ("last acknowledgement to a complete count, fleet, s", lambda r, t: load(r, "fleet", t, "visible_s"),
     "the counting alone", lambda ours, peers: ours <= max(peers.values(), default=ours)),
]


def query_rows(results):
    for data_set, (_, queries) in results.get("query", {}).items():
        for name, by_target in queries.items():
            yield (f"{name} ({data_set}), p50 ms", lambda _, t, row=by_target: row.get(t, {}).get("p50_ms"),
                   "≤ 1/3 of the better", lambda ours, peers: 3 * ours <= min(peers.values(), default=ours * 3))


def figure(value):
    if value is None or value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(results):
    targets = results["targets"]
    lines = ["| figure | " + " | ".join(targets) + " | goal | |", "|---" * (len(targets) + 3) + "|"]
    for what, read, goal, reached in [*ROWS, *query_rows(results)]:
        values = {t: read(results, t) for t in targets}
        ours = values.pop("wellrun")
        if ours is None:
            continue
        peers = {t: v for t, v in values.items() if v is not None}
        lines.append(f"| {what} | " + " | ".join(figure(values.get(t, ours)) for t in targets) +
                     f" | {goal} | {'reached' if reached(ours, peers) else 'NOT REACHED'} |")
    return "\n".join(lines)


def measure(rounds, phases):
    if not os.path.exists(DRIVER):
        sys.exit(f"{os.path.normpath(DRIVER)} is not there: the comparison with the peers is left out")
    targets = [t for t, program in PEERS.items() if shutil.which(program)] + ["wellrun"]
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "results.json")
        subprocess.run(["/usr/bin/python3", DRIVER, *targets, "--rounds", str(rounds), "--phases", phases,
                        "--out", out], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "WELLRUN_CMD": SERVE})
        with open(out, encoding="utf-8") as file:
            return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--phases", default="ingest,crash,query")
    parser.add_argument("--results")
    options = parser.parse_args()
    if options.results:
        with open(options.results, encoding="utf-8") as file:
            results = json.load(file)
    else:
        results = measure(options.rounds, options.phases)
    print(table(results))


if __name__ == "__main__":
    main()
