#!/usr/bin/env python3
"""The repository's own rules, checked: floors, banned names, coroutine arguments, files that documents name, parameters
that nothing reads, commands that do not exist.

    tests/tidy/tidy.py            every rule; exit status 1 and one line a violation (file:line: what, why)
    tests/tidy/tidy.py --self     proves that each rule can fail, on small wrong examples
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# docs/architecture.md: a file includes only from a lower floor or from its own folder.
FLOORS = {
    "core": 0, "platform": 1, "facts": 2, "journal": 2, "telemetry": 2, "catalog": 3, "health": 4, "procedures": 4,
    "respond": 5, "change": 5, "improve": 6, "assess": 7, "server": 8, "cli": 8,
}
# `facts` is plain data that the journal, on the same floor, may hold.
SAME_FLOOR = {("journal", "facts"), ("cli", "server")}

BANNED = [  # outside platform/runtime
    (r"std::chrono::(system|steady|high_resolution)_clock", "a clock: take platform/runtime's Clock"),
    (r"std::(jthread|thread|async)\b(?!::)", "a thread: use Workers or the strand"),
    (r"std::random_device|\bgetrandom\(|\brand\(\)|std::mt19937", "chance: take platform/runtime's Random"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b", "sleeping: set a timer"),
    (r"\bgettimeofday\(|\bclock_gettime\(|[^_\w]time\((NULL|nullptr|0)\)", "a clock: take platform/runtime's Clock"),
    (r"steady_timer|system_timer|deadline_timer", "a timer: use Strand::after or Strand::at"),
]
# Where the network library's own timers are the deadline of a socket, and tests that talk to real processes.
BANNED_EXCEPT = re.compile(r"^src/platform/(runtime|http|process|grpc)/|_test\.cc$|_bench\.cc$|^tests/|^bench/")

UNSPEAKABLE = re.compile(r"/work/|\.library|farm-(studio|bench)", re.I)


def folder_of(path):
    parts = Path(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def without_strings(text):
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def floor_violations(path, text):
    here = folder_of(path)
    if here is None:
        return
    if here not in FLOORS:
        yield 1, f"folder src/{here} stands on no floor; add it to docs/architecture.md and tests/tidy"
        return
    for match in re.finditer(r'^\s*#include "([^"]+)"', text, re.M):
        there = match.group(1).split("/")[0]
        line = text.count("\n", 0, match.start()) + 1
        if there not in FLOORS or there == here:
            continue
        lower = FLOORS[there] < FLOORS[here]
        if not lower and (here, there) not in SAME_FLOOR:
            yield line, f"src/{here} (floor {FLOORS[here]}) includes {match.group(1)} (floor {FLOORS[there]})"


def banned_names(path, text):
    if not path.startswith("src/") or BANNED_EXCEPT.search(path):
        return
    code = without_strings(without_comments(text))
    for pattern, why in BANNED:
        for match in re.finditer(pattern, code):
            yield code.count("\n", 0, match.start()) + 1, f"`{match.group().strip()}` is {why}"


def braces_in_co_await(path, text):
    code = without_strings(without_comments(text))
    for match in re.finditer(r"\bco_await\b([^;]*);", code):
        if "{" in match.group(1):
            line = code.count("\n", 0, match.start()) + 1
            yield line, "`{` between co_await and `;`: g++ 12 destroys such a temporary twice; build it on the line above"


def loops_over_temporaries(path, text):
    code = without_strings(without_comments(text))
    for match in re.finditer(r"\bfor \([^;{}]*?[^:]:\s+(\*\w[\w.>:-]*\(|[^;\n]*\)\.value\(\)\)\s)", code):
        line = code.count("\n", 0, match.start()) + 1
        yield line, "a loop over what a call has just given: g++ 12 ends it before the body (C++23 keeps it); give it a name on the line above"


def items_of_temporaries(path, text):
    code = without_strings(without_comments(text))
    for match in re.finditer(r"\bfor \([^;{}]*?:\s([^;{}]*?\))\.items\(\)\)", code):
        at, depth = len(match.group(1)), 0
        while at > 0 and (depth > 0 or at == len(match.group(1))):
            at -= 1
            depth += {")": 1, "(": -1}.get(match.group(1)[at], 0)
        called = re.search(r"\w*$", match.group(1)[:at]).group()
        if called != "at":  # which gives a reference
            line = code.count("\n", 0, match.start()) + 1
            yield line, f"what {called}() gives is gone before the loop begins (g++ 12): name it on the line above"


def named_files(path, text):
    if not path.startswith("docs/flows/"):
        return
    for match in re.finditer(r"`((?:src|web|demo|tests|scripts|api)/[\w./-]+\.\w+)`", text):
        if not (ROOT / match.group(1)).exists():
            yield text.count("\n", 0, match.start()) + 1, f"names {match.group(1)}, which does not exist"


def places_of_work(path, text):
    if path.startswith("tests/tidy/"):
        return
    for match in UNSPEAKABLE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, f"names a place that is not part of the project: {match.group()}"


def sources(folder):
    """Path and text of every source below `folder` that is part of the program."""
    for file in sorted((ROOT / folder).rglob("*.cc")):
        if not re.search(r"_(test|fuzz|bench)\.cc$", file.name):
            yield file, file.read_text(encoding="utf-8")


# Parameters that a function reads for several operations: its call says so.
READ_BY = {"limit": "limit_parameter(", "match[]": "match_parameters(", "start": "range_parameters(", "end": "range_parameters("}


def unread_parameters(path, text):
    """A parameter that the documentation promises and nothing reads is ignored in silence."""
    if path != "api/openapi.yaml":
        return
    program = [code for _, code in sources("src")]
    serving = []
    for number, line in enumerate(text.split("\n"), 1):
        if operation := re.match(r" *operationId: (\w+)", line):
            serving = [code for code in program if f'"{operation.group(1)}"' in code]
        parameter = re.match(r" *- \{ name: '?([\w\[\]]+)'?, in: query", line)
        if parameter is None:
            continue
        name = parameter.group(1)
        if not any(f'"{name}"' in code or READ_BY.get(name, "\0") in code for code in serving):
            yield number, f"query parameter {name} is read by no file that serves {operation_of(text, number)}"


def operation_of(text, line):
    return re.findall(r"operationId: (\w+)", "\n".join(text.split("\n")[:line]))[-1]


def unknown_commands(path, text):
    """What the page advises to type."""
    if not path.startswith("web/src/"):
        return
    program = "\n".join(code for _, code in sources("src/cli"))
    for match in re.finditer(r"<code>wellrun ([a-z ]+)</code>", text):
        words = [word for word in match.group(1).split() if word != "ops"]
        if not re.search(r",\s*".join(f'"{word}"' for word in words), program):
            yield text.count("\n", 0, match.start()) + 1, f"advises `wellrun {' '.join(words)}`, which is no command"


RULES = {
    "floors": (floor_violations, (".cc", ".h")),
    "banned names": (banned_names, (".cc", ".h")),
    "coroutine arguments": (braces_in_co_await, (".cc", ".h")),
    "items of temporaries": (items_of_temporaries, (".cc", ".h")),
    "loops over temporaries": (loops_over_temporaries, (".cc", ".h")),
    "files named in flows": (named_files, (".md",)),
    "parameters that are read": (unread_parameters, (".yaml",)),
    "commands of the page": (unknown_commands, (".tsx",)),
    "places": (places_of_work, (".cc", ".h", ".md", ".py", ".ts", ".tsx", ".yaml", ".txt", ".cmake", ".sh", "")),
}


def self_test():
    wrong = {
        "floors": ("src/journal/x.cc", '#include "catalog/catalog.h"\n'),
        "banned names": ("src/respond/x.cc", "auto t = std::chrono::system_clock::now();\n"),
        "coroutine arguments": ("src/platform/http/x.cc", "co_await send(Request{1});\n"),
        "items of temporaries": ("src/change/x.cc", 'for (auto& [k, v] : body.value("a", Json::object()).items()) {}\n'),
        "loops over temporaries": ("src/change/x.cc", "for (const auto& fact : *store.read({})) {}\n"),
        "files named in flows": ("docs/flows/x.md", "see `src/nowhere/none.cc`\n"),
        "parameters that are read": (
            "api/openapi.yaml", "operationId: getAssessment\n- { name: at, in: query, required: false }\n"),
        "commands of the page": ("web/src/x.tsx", "<code>wellrun deployment record</code>\n"),
        "places": ("README.md", "cd /wo" + "rk/main\n"),
    }
    missed = [name for name, (path, text) in wrong.items() if not list(RULES[name][0](path, text))]
    for name in missed:
        print(f"rule \"{name}\" did not see its own wrong example")
    return not missed


def main():
    if not self_test():
        return 1
    if "--self" in sys.argv:
        print(f"each of {len(RULES)} rules sees its wrong example")
        return 0
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split("\n")
    count, checked = 0, 0
    for path in filter(None, listed):
        file = ROOT / path
        if not file.is_file() or path.endswith("package-lock.json"):
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        checked += 1
        for rule, suffixes in RULES.values():
            if file.suffix in suffixes:
                for line, what in rule(path, text):
                    print(f"{path}:{line}: {what}")
                    count += 1
    print(f"{checked} files, {len(RULES)} rules, {count} violations")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
