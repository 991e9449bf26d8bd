import { expect, test } from 'vitest';
import { alignLines } from '../telemetry/chart';
import {
  boundText,
  byConcern,
  crossingMarkers,
  forecastChart,
  type Forecast,
  type ForecastDetail,
} from './forecast_queries';

const forecast = (over: Partial<ForecastDetail>) =>
  ({
    id: 'a',
    key: 'disk/a',
    kind: 'disk',
    unit: 'bytes',
    bound: 0,
    warns: false,
    beyond: false,
    expected: null,
    earliest: null,
    latest: null,
    backtest: null,
    history: [],
    points: [],
    ...over,
  }) as ForecastDetail;

const hour = (at: number) => `2026-11-01T0${at}:00:00Z`;
const point = (at: number, expected: number) => ({
  time: hour(at),
  expected,
  lower: expected - 1,
  upper: expected + 1,
});

test('the course goes on where the history ends, on one grid', () => {
  const chart = forecastChart(
    forecast({
      history: [1, 2, 4].map((at) => ({ time: hour(at), value: 10 - at })),
      points: [point(5, 5), point(6, 4)],
    }),
  );
  if (!chart) throw new Error('no chart');
  expect(chart.range.step).toBe(3600);
  const [, history, expected, upper] = alignLines(chart.range, [
    chart.history,
    chart.band.expected,
    chart.band.upper,
  ]);
  expect(history).toEqual([9, 8, null, 6, null, null]);
  expect(expected).toEqual([null, null, null, 6, 5, 4]);
  expect(upper).toEqual([null, null, null, 6, 6, 5]);
});

test('without a history or a course there is no chart', () => {
  expect(forecastChart(forecast({}))).toBeNull();
  expect(forecastChart(forecast({ history: [{ time: hour(1), value: 1 }] }))).toBeNull();
});

test('the chart says when the bound is crossed, and by what', () => {
  const warned = forecast({ earliest: hour(5), expected: hour(6) });
  expect(crossingMarkers(warned)).toEqual([
    { at: Date.parse(hour(6)) / 1000, text: 'nothing left', kind: 'foretold' },
  ]);
  expect(crossingMarkers(forecast({}))).toEqual([]);
  expect(boundText({ kind: 'kpi', bound: 0.98, unit: 'ratio' } as Forecast)).toMatch(/^target 98/);
});

test('what warns is said first', () => {
  const warns = forecast({ key: 'kpi/z', warns: true });
  const beyond = forecast({ key: 'kpi/y', beyond: true });
  expect([forecast({ key: 'kpi/a' }), beyond, warns].toSorted(byConcern)).toEqual([
    warns,
    beyond,
    forecast({ key: 'kpi/a' }),
  ]);
});
