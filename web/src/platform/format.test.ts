import { expect, test } from 'vitest';
import {
  formatActor,
  formatBytes,
  formatNumber,
  formatPercent,
  formatRate,
  formatValue,
} from './format';

test('numbers keep four digits and lose trailing zeros', () => {
  expect(formatNumber(0.5)).toBe('0.5');
  expect(formatNumber(1234.5678)).toBe('1235');
  expect(formatNumber(45_600)).toBe('45.6k');
  expect(formatNumber(0.00004)).toBe('4.0e-5');
  expect(formatNumber(9999.7)).toBe('10k');
  expect(formatNumber(-999_990)).toBe('-1M');
  expect(formatNumber(1.2e13)).toBe('12T');
  expect(formatNumber(1.234e16)).toBe('1.234e+16');
  expect(formatNumber(0)).toBe('0');
  expect(formatNumber(null)).toBe('–');
  expect(formatNumber(Infinity)).toBe('+∞');
});

test('a ratio has the digits that a service level needs', () => {
  expect(formatPercent(0.9995)).toBe('99.95 %');
  expect(formatPercent(1)).toBe('100 %');
  expect(formatPercent(-0.38, 0)).toBe('-38 %');
  expect(formatPercent(0.99996)).toBe('99.996 %');
  expect(formatPercent(0.999996, 3)).toBe('99.9996 %');
  expect(formatPercent(0.996, 0)).toBe('99.6 %');
  expect(formatPercent(1 - 1e-15)).toBe('< 100 %');
  expect(formatPercent(1.2, 0)).toBe('120 %');
});

test('a value is written in its unit', () => {
  expect(formatValue(0.182, 's')).toBe('182 ms');
  expect(formatValue(0.918, 'ratio')).toBe('91.8 %');
  expect(formatValue(12, 'orders/min')).toBe('12 orders/min');
  expect(formatBytes(1536)).toBe('1.5 KiB');
});

test('a person is called by name, anything else by what it is', () => {
  expect(formatActor('person:ana')).toBe('ana');
  expect(formatActor('automation:restart')).toBe('automation restart');
  expect(formatActor('system')).toBe('system');
  expect(formatActor(null)).toBe('');
});

test('how often is said in two digits after the point, and seldom is not never', () => {
  expect(formatRate(2 / 30)).toBe('0.07');
  expect(formatRate(12.345)).toBe('12.35');
  expect(formatRate(0.0007)).toBe('< 0.01');
  expect(formatRate(0)).toBe('0');
  expect(formatRate(null)).toBe('–');
});
