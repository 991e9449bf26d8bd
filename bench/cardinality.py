#!/usr/bin/python3
"""One workload goes to a million series; what do the others' queries notice?

    bench/cardinality.py [--binary build/release/wellrun] [--flood 1000000] [--rate 20000] [--turn 8]

Twenty calm jobs of 1,000 series write every five seconds, and a dashboard asks about one after the other the whole time,
in turns of --turn seconds: one alone, one while job "mad" sends new series at --rate a second, until it has sent --flood.
Turn about, so that whatever else the machine does falls on both alike; how long a page of no content takes in either says how
busy it was. Prints p50 and p99 of the dashboard's queries in both, who was named, what was refused, and the server's
memory. Exits with 1 unless the flood was capped at its limit, named in the journal, every calm write was taken, and p99 moved
by less than 20 % (or by less than 2 ms, which is the scheduler's grain)."""

import argparse
import http.client
import json
import multiprocessing
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

CALM_JOBS, CALM_SERIES, BATCH = 20, 1000, 2000
QUERIES = [
    "sum by (path) (rate(requests_total{job=\"%s\"}[2m]))",
    "topk(5, requests_total{job=\"%s\"})",
    "count(requests_total{job=\"%s\",path=~\"/p1.*\"})",
]


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, content):
    return varint(number * 8 + 2) + varint(len(content)) + content


def label_bytes(labels):
    return b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(labels.items()))


def request(series, time_ms, value):
    """Remote write 1.0, snappy's block format with literals only."""
    sample = field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time_ms))
    plain = b"".join(field(1, labels + sample) for labels in series)
    parts = [varint(len(plain))]
    for at in range(0, len(plain), 65536):
        piece = plain[at:at + 65536]
        parts.append(b"\xf4" + struct.pack("<H", len(piece) - 1) + piece)
    return b"".join(parts)


class Server:
    def __init__(self, binary, data):
        self.process = subprocess.Popen([binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--no-auth"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if match := re.match(r"ready: http://([\d.]+):(\d+)", line):
                self.address = (match[1], int(match[2]))
                return
        sys.exit("the server did not start")

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=60)

    def memory_mib(self, key):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(rf"{key}:\s+(\d+)", file.read())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def write(connection, body):
    connection.request("POST", "/api/v1/write", body,
                       {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
    response = connection.getresponse()
    return response.status, response.read().decode()


def ask(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


class Calm(threading.Thread):
    """Writes for the calm jobs every five seconds."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.failed, self.done = server, [], threading.Event()
        self.series = [[label_bytes({"__name__": "requests_total", "job": f"calm{j}", "path": f"/p{i}"})
                        for i in range(CALM_SERIES)] for j in range(CALM_JOBS)]

    def run(self):
        connection, value = self.server.connect(), 0
        while not self.done.is_set():
            began, value = time.time(), value + 1
            for series in self.series:
                status, text = write(connection, request(series, int(began * 1000), value))
                if status != 204:
                    self.failed.append(text)
            self.done.wait(max(0, 5 - (time.time() - began)))


class Flood(multiprocessing.Process):
    """A process of its own, as a workload is: the dashboard must not wait for this interpreter. Bodies are made before
    they are sent: the measured machine should not make them, too."""

    def __init__(self, server, count, rate):
        super().__init__(daemon=True)
        self.server, self.rate, self.turn = server, rate, multiprocessing.Event()
        self.refused = multiprocessing.Value("q", 0)
        now = int(time.time() * 1000)
        self.bodies = [request([label_bytes({"__name__": "mad_total", "job": "mad", "user": f"user-{i:08}"})
                                for i in range(first, min(count, first + BATCH))], now, 1)
                       for first in range(0, count, BATCH)]

    def run(self):
        connection = self.server.connect()
        for body in self.bodies:
            self.turn.wait()
            began = time.time()
            status, text = write(connection, body)
            if status == 400 and (match := re.match(r"(\d+) of", text)):
                self.refused.value += int(match[1])
            time.sleep(max(0, began + BATCH / self.rate - time.time()))


class Dashboard:
    """Asks every 20 ms; milliseconds of each query, and of an empty page before it."""

    def __init__(self, server):
        self.connection, self.asked = server.connect(), 0

    def timed(self, path, times):
        began = time.perf_counter()
        status, _ = ask(self.connection, path)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 200, status

    def look(self, seconds, queries, pages, flood=None):
        end = time.time() + seconds
        while time.time() < end and (flood is None or flood.is_alive()):
            query = QUERIES[self.asked % len(QUERIES)] % f"calm{self.asked % CALM_JOBS}"
            self.asked += 1
            self.timed("/-/healthy", pages)
            self.timed("/api/v1/query?query=" + urllib.parse.quote(query), queries)
            time.sleep(0.02)


def at(times, share):
    times = sorted(times)
    return times[min(len(times) - 1, int(len(times) * share))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--binary", default=os.path.join(root, "build", "release", "wellrun"))
    parser.add_argument("--flood", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--turn", type=float, default=8)
    given = parser.parse_args()
    data = tempfile.mkdtemp(prefix="wellrun-cardinality-")
    server = Server(given.binary, data)
    try:
        calm, flood = Calm(server), Flood(server, given.flood, given.rate)
        calm.start()
        dashboard = Dashboard(server)
        dashboard.look(8, [], [])  # the first scrapes
        resident = server.memory_mib("VmRSS")
        before, during, pages_before, pages_during = [], [], [], []
        flood.start()
        while flood.is_alive():
            dashboard.look(given.turn, before, pages_before)
            flood.turn.set()
            dashboard.look(given.turn, during, pages_during, flood)
            flood.turn.clear()
        calm.done.set()
        owners = json.loads(ask(server.connect(), "/api/v1/cardinality")[1])["items"]
        mad = next(owner for owner in owners if owner["name"] == "mad")
        time.sleep(6)
        facts = json.loads(ask(server.connect(), "/api/v1/journal?type=series_limit.")[1])["items"]
        moved = at(during, 0.99) / at(before, 0.99) - 1
        print(f"others' queries, ms      p50      p99   of {len(before)} and {len(during)}")
        for name, times in (("alone", before), ("while it floods", during), ("an empty page, alone", pages_before),
                            ("… while it floods", pages_during)):
            print(f"  {name:<21} {at(times, 0.5):8.2f} {at(times, 0.99):8.2f}")
        print(f"p99 moved by {moved:+.0%}")
        print(f"named: {facts[0]['body']['job'] if facts else 'nobody'}; {mad['series']} of its series are kept, "
              f"its limit is {mad['limit']}; {flood.refused.value} samples refused")
        print(f"memory: {resident:.0f} MiB before, {server.memory_mib('VmRSS'):.0f} after, "
              f"{server.memory_mib('VmHWM'):.0f} at most")
        small = at(during, 0.99) - at(before, 0.99) < 2
        good = (facts and mad["series"] == mad["limit"] and mad["series"] + flood.refused.value == given.flood
                and not calm.failed and (moved < 0.2 or small))
        if calm.failed:
            print("a calm write was refused:", calm.failed[0])
        return 0 if good else 1
    finally:
        server.stop()
        shutil.rmtree(data)


if __name__ == "__main__":
    sys.exit(main())
