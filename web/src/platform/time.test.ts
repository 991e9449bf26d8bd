import { expect, test } from 'vitest';
import { formatDay, formatDuration, formatRelative, parseTime, withLocalTimes } from './time';

test('a duration has at most two units, the larger first', () => {
  expect(formatDuration(0.042)).toBe('42 ms');
  expect(formatDuration(2.5)).toBe('2.5 s');
  expect(formatDuration(95)).toBe('1 min 35 s');
  expect(formatDuration(3600)).toBe('1 h');
  expect(formatDuration(90061)).toBe('1 d 1 h');
  expect(formatDuration(Number.NaN)).toBe('–');
});

test('a time is told from the present, in both directions', () => {
  expect(formatRelative(0, 2_000)).toBe('just now');
  expect(formatRelative(0, 180_000)).toBe('3 min ago');
  expect(formatRelative(7_200_000, 0)).toBe('in 2 h');
  expect(formatRelative(0, 5 * 86_400_000)).toBe('5 d ago');
});

test('what is not a time is none', () => {
  expect(parseTime('')).toBeUndefined();
  expect(parseTime(null)).toBeUndefined();
  expect(parseTime('soon')).toBeUndefined();
  expect(parseTime('1970-01-01T00:00:01Z')).toBe(1000);
});

test('a day is a day, whether it came with a time or not, and what is neither stays as it is', () => {
  expect(formatDay('2026-12-03')).toBe(formatDay('2026-12-03T12:58:35.899Z'));
  expect(formatDay('2026-12-03')).toContain('2026');
  expect(formatDay('soon')).toBe('soon');
});

test('moments in a text are told in the reader’s zone', () => {
  const present = Date.parse('2026-11-24T12:30:00Z');
  const text = withLocalTimes('high; since 2026-11-24T12:05:00Z', present);
  expect(text).toMatch(/^high; since \d\d:\d\d:00$/);
  expect(withLocalTimes('nothing', present)).toBe('nothing');
});
