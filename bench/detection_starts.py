#!/usr/bin/env python3
"""How much the figures of `wellrun detect` rest on where a series happens to begin.

    bench/detection_starts.py SCORERS [--cmd 'build/release/wellrun detect'] [--late 0,7,17,29,41]

SCORERS holds nab/score.py and points/score.py with their given/ data. Every series is scored as if it
had begun 0, 7, 17 … rows later (the rows before count as score 0). Each figure is printed for each
start, with mean and standard deviation: a gain smaller than that is chance. Needs python3 with numpy.
"""
import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = {"NAB": ["nab/score.py"], "cloudmon": ["points/score.py", "--set", "cloudmon"],
        "asd": ["points/score.py", "--set", "asd"]}


def begin_late(rows, command):
    """From standard input to standard output as `command`, which does not see the first `rows` rows."""
    head, *lines = sys.stdin.read().splitlines()
    run = subprocess.run(command, shell=True, input="\n".join([head, *lines[rows:]]) + "\n",
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{command} failed: {run.stderr.strip()}")
    scores = ["0"] * rows + scores_of(run.stdout)
    print("timestamp,value,anomaly_score")
    for line, score in zip(lines, scores):
        print(f"{line},{score}")


def scores_of(text):
    head, *lines = text.splitlines()
    column = head.split(",").index("anomaly_score")
    return [line.split(",")[column] for line in lines]


def figures(scorers, name, command, rows):
    script, *arguments = SETS[name]
    late = shlex.join([sys.executable, __file__, str(scorers), "--cmd", command, "--begin-late", str(rows)])
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        run = subprocess.run([sys.executable, str(scorers / script), *arguments, "--cmd", late, "--json", out.name],
                             capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"{script} failed: {run.stderr.strip()}")
        scored = json.load(out)["given"]
    found = {"event F1": scored["event"]["f1"], "AUC-PR": scored["auc_pr"]}
    return ({"standard": scored["nab"]["standard"][0]} if "nab" in scored else {}) | found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scorers", type=Path)
    options.add_argument("--cmd", default="build/release/wellrun detect")
    options.add_argument("--late", default="0,7,17,29,41")
    options.add_argument("--begin-late", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.begin_late is not None:
        return begin_late(chosen.begin_late, chosen.cmd)
    starts = [int(rows) for rows in chosen.late.split(",")]
    for name in SETS:
        found = [figures(chosen.scorers.resolve(), name, chosen.cmd, rows) for rows in starts]
        for figure in found[0]:
            values = [one[figure] for one in found]
            print(f"{name:9s} {figure:9s} {statistics.mean(values):7.3f} ± {statistics.pstdev(values):.3f}:",
                  *(f"{value:.3f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
