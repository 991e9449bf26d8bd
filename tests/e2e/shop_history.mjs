// Gives a server five hours of a shop's telemetry, with something unusual near the end: node shop_history.mjs URL. For
// pages that show what is normal.
import { writeRequest } from './remote_write.mjs';

const url = process.argv[2];
const step = 15_000;
const end = Math.floor(Date.now() / step) * step;
const start = end - 5 * 3600_000;
const isUnusual = (time) => time > end - 20 * 60_000 && time <= end - 6 * 60_000;
const noise = (time) => ((Math.imul(time / step, 2654435761) >>> 8) % 1000) / 1000;
const wave = (time) => Math.sin((2 * Math.PI * time) / (90 * 60_000));

const samples = (valueAt) => {
  const list = [];
  for (let time = start; time <= end; time += step) list.push([time, valueAt(time)]);
  return list;
};
const counter = (perSecond) => {
  let count = 0;
  return samples((time) => (count += perSecond(time) * (step / 1000)));
};
const orders = (time) => 8 + 1.5 * wave(time) + noise(time);
const failing = (time) => (isUnusual(time) ? 0.12 : 0.0015 + 0.001 * noise(time));
const series = [
  { labels: { __name__: 'shop_orders_total', job: 'checkout', outcome: 'ok' }, samples: counter((time) => orders(time) * (1 - failing(time))) },
  { labels: { __name__: 'shop_orders_total', job: 'checkout', outcome: 'failed' }, samples: counter((time) => orders(time) * failing(time)) },
  { labels: { __name__: 'shop_queue_length', component: 'checkout' }, samples: samples((time) => (isUnusual(time) ? 160 : 40) + 12 * wave(time) + 6 * noise(time)) },
];
const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
const response = await fetch(`${url}/api/v1/write`, { method: 'POST', headers, body: writeRequest(series) });
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
