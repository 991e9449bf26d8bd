#!/usr/bin/env python3
"""How well the alarm thresholds of `wellrun detect` carry over to series they were not fitted on.

    bench/detection_crossvalidate.py SCORERS [--cmd 'build/release/wellrun detect']

SCORERS holds nab/score.py and points/score.py with their given/ data. Each set is halved, every second
file in order of name; thresholds are fitted on one half and applied to the other, both ways round.
Prints the scorers' own lines. Needs python3 with numpy.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def halves(names, which):
    return "".join(f"{'given' if i % 2 == which else 'held'} {name}\n" for i, name in enumerate(sorted(names)))


def folder_with_split(given, names, which, into):
    for entry in given.iterdir():
        (into / entry.name).symlink_to(entry)
    (into / "split.txt").write_text(halves(names, which))


def score(script, arguments, data):
    run = subprocess.run([sys.executable, str(script), "--data", str(data), "--subset", "held", *arguments],
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{script} failed: {run.stderr.strip()}")
    return run.stdout


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scorers", type=Path)
    options.add_argument("--cmd", default="build/release/wellrun detect")
    chosen = options.parse_args()
    scorers = chosen.scorers.resolve()
    nab_given, points_given = scorers / "nab" / "given", scorers / "points" / "given"
    nab_names = json.loads((nab_given / "labels" / "combined_windows.json").read_text())
    for which in (0, 1):
        with tempfile.TemporaryDirectory() as folder:
            folder_with_split(nab_given, nab_names, which, Path(folder))
            print(f"NAB, thresholds from half {which}\n" + score(scorers / "nab/score.py", ["--cmd", chosen.cmd], folder))
    for name in ("cloudmon", "asd"):
        files = [str(path.relative_to(points_given)) for path in (points_given / name).rglob("*.csv")]
        for which in (0, 1):
            with tempfile.TemporaryDirectory() as folder:
                folder_with_split(points_given, files, which, Path(folder))
                print(f"{name}, thresholds from half {which}\n" +
                      score(scorers / "points/score.py", ["--set", name, "--cmd", chosen.cmd], folder), flush=True)


if __name__ == "__main__":
    main()
