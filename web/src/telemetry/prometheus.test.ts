import { expect, test } from 'vitest';
import { alignLines, withoutFarBands } from './chart';
import { formatLabels, parseRange, parseSample, rangeUntil, toLines } from './prometheus';

test('a range is a number and a unit', () => {
  expect(parseRange('15m')).toBe(900);
  expect(parseRange('7d')).toBe(604_800);
  for (const wrong of [undefined, '', '0m', '5', 'm5', '-1h', '999999h']) {
    expect(parseRange(wrong), wrong).toBeUndefined();
  }
});

test('the shown range stands on multiples of its step, so that a redraw does not jitter', () => {
  const range = rangeUntil(1_000_007_000, 3600);
  expect(range.step).toBe(15);
  expect(range.end % range.step).toBe(0);
  expect(range.start % range.step).toBe(0);
  expect(range.end).toBeGreaterThanOrEqual(1_000_007);
});

test('answers of every type become lines', () => {
  expect(toLines({ resultType: 'scalar', result: [5, '1.5'] })).toEqual([
    { labels: {}, points: [[5, 1.5]] },
  ]);
  expect(
    toLines({ resultType: 'vector', result: [{ metric: { job: 'a' }, value: [5, '+Inf'] }] }),
  ).toEqual([{ labels: { job: 'a' }, points: [[5, Infinity]] }]);
  expect(toLines({ resultType: 'string', result: [5, 'x'] })).toEqual([]);
  expect(parseSample('NaN')).toBeNaN();
});

test('a missing sample is a gap, not a zero; neither NaN nor infinity is drawn', () => {
  const line = {
    labels: {},
    points: [
      [10, 1],
      [30, Number.NaN],
    ] as [number, number][],
  };
  expect(alignLines({ start: 10, end: 40, step: 10 }, [line])).toEqual([
    [10, 20, 30, 40],
    [1, null, null, null],
  ]);
});

test('labels are written as PromQL has them', () => {
  expect(formatLabels({ __name__: 'up', job: 'shop' })).toBe('up{job="shop"}');
  expect(formatLabels({ __name__: 'up' })).toBe('up');
  expect(formatLabels({})).toBe('{}');
});

test('a band that is far away does not flatten the values', () => {
  expect(withoutFarBands(0, 400, [40, 60])).toEqual([30, 70]);
  expect(withoutFarBands(35, 65, [40, 60])).toEqual([35, 65]);
  expect(withoutFarBands(0, 400, [])).toEqual([0, 400]);
});
