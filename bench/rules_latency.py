#!/usr/bin/env python3
"""From a sample acknowledged to its alert visible, under load: Wellrun beside Debian's Prometheus and Alertmanager.

    bench/rules_latency.py [--binary build/release/wellrun] [--rounds 60] [--interval 15] [--only wellrun]

100,000 series (2,000 metrics of 50 instances) are written once a scrape interval, spread evenly over it, by remote write.
2,000 alerting rules in 100 groups, one for each metric, in four shapes, for: 0. In each round one series of one metric
crosses its rule's threshold in a write of its own; the clock starts when that write is acknowledged and stops when the
alert is visible:

  wellrun      at the alert.fired fact in the journal (its time; both processes read the same clock)
  prometheus   when Alertmanager's /api/v2/alerts has it, asked every 50 ms

Prints median, p90, p99 and largest, the server's CPU over the run, and how long writes took.
"""
import argparse, calendar, json, os, random, shutil, signal, socket, struct, subprocess, sys, tempfile, time, urllib.error, urllib.request
from concurrent.futures import ThreadPoolExecutor

METRICS, INSTANCES = 2000, 50


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(tag, content):
    return bytes([tag]) + varint(len(content)) + content


def series(name, instance, value, time_ms):
    labels = b"".join(field(0x0A, field(0x0A, n) + field(0x12, v)) for n, v in
                      ((b"__name__", name), (b"instance", instance), (b"job", b"bench")))
    return field(0x0A, labels + field(0x12, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time_ms)))


def snappy(data):
    out = [varint(len(data))]
    for at in range(0, len(data), 65536):
        part = data[at:at + 65536]
        out += [bytes([61 << 2, (len(part) - 1) & 255, (len(part) - 1) >> 8]), part]
    return b"".join(out)


def metric(index):
    return b"m_%04d" % index


def rules_yaml(interval):
    shapes = ["{m} > 100", "max by (job) ({m}) > 100", "sum by (job) ({m}) / count by (job) ({m}) > 3",
              "max_over_time({m}[1m]) > 100"]
    groups = []
    for g in range(100):
        rules = "".join(f"      - alert: A{i:04d}\n        expr: {shapes[i % 4].format(m=f'm_{i:04d}')}\n"
                        f"        labels: {{severity: info}}\n" for i in range(g * 20, g * 20 + 20))
        groups.append(f"  - name: g{g:03d}\n    interval: {interval}s\n    rules:\n{rules}")
    return "groups:\n" + "".join(groups)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(url, body=None, headers=None, method=None):
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def wait_ready(url):
    for _ in range(600):
        try:
            call(url)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} never became ready")


class Server:
    def __init__(self, folder):
        self.folder, self.processes = folder, []

    def spawn(self, *command):
        log = open(f"{self.folder}/log", "ab")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def write(self, payload):
        call(self.write_url, snappy(payload), {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                                               "X-Prometheus-Remote-Write-Version": "0.1.0"})

    def cpu_seconds(self):
        ticks = 0
        for process in self.processes:
            parts = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
            ticks += int(parts[11]) + int(parts[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)


class Wellrun(Server):
    def __init__(self, folder, binary, interval):
        super().__init__(folder)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.write_url = self.url + "/api/v1/write"
        self.spawn(binary, "serve", "--data", folder + "/data", "--listen", f"127.0.0.1:{port}", "--no-auth")
        wait_ready(self.url + "/-/ready")
        body = {"files": {"rules.yml": rules_yaml(interval)}, "commit": "", "author": "", "dirty": False, "prune": True}
        call(self.url + "/api/v1/catalog/apply", json.dumps(body).encode(), method="POST")

    def visible_at(self, alert, since):
        """The time of its fact, or None."""
        answer = json.loads(call(f"{self.url}/api/v1/journal?type=alert.fired&order=desc&limit=20"))
        for fact in answer["items"]:
            if fact["body"]["alert"] == alert:
                text = fact["time"].rstrip("Z")
                whole, _, fraction = text.partition(".")
                return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))
        return None


class Prometheus(Server):
    def __init__(self, folder, interval):
        super().__init__(folder)
        port, manager, cluster = free_port(), free_port(), free_port()
        self.manager = f"http://127.0.0.1:{manager}"
        self.write_url = f"http://127.0.0.1:{port}/api/v1/write"
        open(folder + "/rules.yml", "w").write(rules_yaml(interval))
        open(folder + "/prometheus.yml", "w").write(
            f"global: {{evaluation_interval: {interval}s}}\nrule_files: [rules.yml]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{manager}']}}]}}]}}\n")
        open(folder + "/alertmanager.yml", "w").write("route: {receiver: none}\nreceivers: [{name: none}]\n")
        self.spawn("prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
                   f"--web.listen-address=127.0.0.1:{manager}", "--cluster.listen-address=")
        self.spawn("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                   f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver")
        wait_ready(self.manager + "/-/ready")
        wait_ready(f"http://127.0.0.1:{port}/-/ready")

    def visible_at(self, alert, since):
        answer = json.loads(call(f"{self.manager}/api/v2/alerts?filter=alertname%3D%22{alert}%22"))
        return time.time() if answer else None


class Load:
    """All series once an interval, in equal batches spread evenly."""

    def __init__(self, server, interval, batches=50):
        self.server, self.interval, self.batches = server, interval, batches
        self.high, self.running, self.durations = {}, True, []

    def batch(self, index, now):
        per = INSTANCES // self.batches if self.batches <= INSTANCES else 1
        instances = range(index * per, index * per + per)
        time_ms = int(now * 1000)
        return b"".join(series(metric(m), b"i-%02d" % i, self.high.get((m, i), 1.0), time_ms)
                        for i in instances for m in range(METRICS))

    def turn(self):
        begin = time.time()
        for index in range(self.batches):
            now = time.time()
            payload = self.batch(index, now)
            before = time.time()
            try:
                self.server.write(payload)
            except urllib.error.HTTPError as error:
                if error.code != 400:  # one sample was overtaken by a round's own; the others are kept
                    raise
            self.durations.append(time.time() - before)
            rest = begin + (index + 1) * self.interval / self.batches - time.time()
            if rest > 0 and self.running:
                time.sleep(rest)
            if not self.running:
                return

    def run(self):
        while self.running:
            self.turn()


def percentile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def measure(server, rounds, interval, seed):
    chance = random.Random(seed)
    load = Load(server, interval)
    load.interval = 0
    load.turn()
    load.interval = interval
    pool = ThreadPoolExecutor(2)
    running = pool.submit(load.run)
    time.sleep(interval + 5)
    cpu, begin = server.cpu_seconds(), time.time()
    latencies, chosen = [], chance.sample(range(METRICS), rounds)
    for m in chosen:
        i = chance.randrange(INSTANCES)
        load.high[(m, i)] = 1000.0
        server.write(series(metric(m), b"i-%02d" % i, 1000.0, int(time.time() * 1000)))
        acknowledged = time.time()
        seen = None
        while seen is None and time.time() < acknowledged + 4 * interval + 30:
            seen = server.visible_at(f"A{m:04d}", acknowledged)
            if seen is None:
                time.sleep(0.05)
        latencies.append((seen - acknowledged) if seen else float("inf"))
        time.sleep(chance.uniform(0.3, 0.9))
    used, length = server.cpu_seconds() - cpu, time.time() - begin
    load.running = False
    running.result()
    writes = load.durations[50:]
    return {"median": percentile(latencies, 0.5), "p90": percentile(latencies, 0.9), "p99": percentile(latencies, 0.99),
            "largest": max(latencies), "missed": sum(x == float("inf") for x in latencies), "cpu_share": used / length,
            "write_median": percentile(writes, 0.5), "write_p99": percentile(writes, 0.99)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="build/release/wellrun")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--interval", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["wellrun", "prometheus"])
    options = parser.parse_args()
    for name in ["wellrun", "prometheus"]:
        if options.only not in (None, name):
            continue
        folder = tempfile.mkdtemp(prefix="rules-latency-")
        server = (Wellrun(folder, options.binary, options.interval) if name == "wellrun"
                  else Prometheus(folder, options.interval))
        try:
            result = measure(server, options.rounds, options.interval, options.seed)
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{name:11}", " ".join(f"{key} {value:.3f}" for key, value in result.items()), flush=True)


if __name__ == "__main__":
    main()
