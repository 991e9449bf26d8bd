import { expect, test } from 'vitest';
import { clusterMarkers } from './chart';
import { filledRange } from './prometheus';
import { sparkPath } from './sparkline';

const range = { start: 0, end: 100, step: 10 };

test('a path runs from the left edge to the right, and has a gap where samples are missing', () => {
  const path = sparkPath(
    range,
    [
      [0, 0],
      [10, 1],
      [90, 1],
      [100, 0],
    ],
    0,
    1,
  );
  expect(path).toBe('M0.0 31.0L16.0 3.0M144.0 3.0L160.0 31.0');
});

test('a range that is mostly empty begins where there is something to see', () => {
  const line = (first: number) => ({ labels: {}, points: [[first, 1]] as [number, number][] });
  expect(filledRange(range, [line(20)])).toEqual(range);
  expect(filledRange(range, [])).toEqual(range);
  const young = { start: 0, end: 3600, step: 15 };
  const filled = filledRange(young, [line(3480), line(3300)]);
  expect(filled.start).toBe(3225);
  expect((filled.start - young.start) % young.step).toBe(0);
  expect(filled.end).toBe(3600);
});

test('markers upon each other become one that names the last', () => {
  const marks = [
    { x: 10, text: '1.0' },
    { x: 11, text: '1.1' },
    { x: 50, text: '1.2' },
  ];
  expect(clusterMarkers(marks, 6)).toEqual([
    { x: 11, text: '1.1 (+1)' },
    { x: 50, text: '1.2' },
  ]);
});
