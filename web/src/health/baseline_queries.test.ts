import { expect, test } from 'vitest';
import {
  bandQuery,
  baselineOf,
  toBand,
  toSpan,
  watchedLines,
  type Baseline,
} from './baseline_queries';

const baseline = (labels: Record<string, string>, watch = 'baseline/load'): Baseline => ({
  id: JSON.stringify(labels),
  watch,
  workload: 'shop',
  metric: labels['metric'] ?? watch,
  labels: { baseline: watch, workload: 'shop', metric: watch, ...labels },
  phase: 'watching',
  nature: 'gauge',
  points: 100,
  step_seconds: 30,
  time: '2026-11-24T12:00:00Z',
  explanation: 'as usual',
});
const line = (labels: Record<string, string>) => ({ labels, points: [] });

test('a band is asked for by all labels, hostile ones included', () => {
  expect(bandQuery({ labels: { host: 'a"b', metric: 'load' } })).toBe(
    '{__name__=~"wellrun:baseline:(expected|lower|upper)","host"="a\\"b","metric"="load"}',
  );
});

test('a band needs its three lines, of exactly this series', () => {
  const one = { labels: { host: 'a' } };
  const named = (what: string, more = {}) =>
    line({ __name__: `wellrun:baseline:${what}`, host: 'a', ...more });
  expect(toBand([named('lower'), named('upper')], one)).toBeUndefined();
  const other = named('expected', { zone: 'z' });
  expect(toBand([named('lower'), named('upper'), other], one)).toBeUndefined();
  const whole = toBand([named('lower'), other, named('upper'), named('expected')], one);
  expect(whole?.expected).toEqual(named('expected'));
});

test('a line is found by its labels, also where one was in the way', () => {
  const all = [
    baseline({ metric: 'load', host: 'a' }),
    baseline({ metric: 'load', host: 'b', exported_kpi: 'k' }),
  ];
  expect(baselineOf(line({ __name__: 'load', host: 'a' }), all)).toBe(all[0]);
  expect(baselineOf(line({ __name__: 'load', host: 'a', workload: 'shop' }), all)).toBe(all[0]);
  expect(baselineOf(line({ __name__: 'load', host: 'b', kpi: 'k' }), all)).toBe(all[1]);
  expect(baselineOf(line({ __name__: 'load' }), all)).toBeUndefined();
  expect(baselineOf(line({ host: 'a' }), all)).toBeUndefined();
  const counted = { ...baseline({ metric: 'requests_total' }), nature: 'counter' as const };
  expect(baselineOf(line({ __name__: 'requests_total' }), [counted])).toBeUndefined();
});

test('a KPI’s own query is its line; of many lines the first few have bands', () => {
  const kpi = baseline({}, 'kpi/orders');
  const watch = {
    key: 'kpi/orders',
    workload: 'shop',
    query: 'sum(orders)',
    interval: '30s',
    read_to: '',
    catching_up: false,
    series: 1,
    refused: 0,
    error: '',
  };
  const known = { items: [kpi], watches: [watch] };
  expect(watchedLines(' sum(orders)', [line({})], known)).toEqual([{ line: 0, baseline: kpi }]);
  expect(watchedLines('sum(other)', [line({})], known)).toEqual([]);
  expect(watchedLines('sum(orders)', [], undefined)).toEqual([]);
  const hosts = ['a', 'b', 'c', 'd', 'e'];
  const items = hosts.map((host) => baseline({ metric: 'load', host }));
  const lines = hosts.map((host) => line({ __name__: 'load', host }));
  expect(watchedLines('load', lines, { items, watches: [] })).toHaveLength(3);
});

test('an anomaly is a span with its reason', () => {
  const span = toSpan({
    from: '2026-11-24T12:00:00Z',
    to: '2026-11-24T12:05:00Z',
    open: false,
    score: 0.7,
    part: 'jump',
    why: 'high',
  });
  expect(span).toEqual({ kind: 'anomaly', from: 1795521600, to: 1795521900, text: 'high' });
});
