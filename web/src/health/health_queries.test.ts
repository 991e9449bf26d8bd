import { expect, test } from 'vitest';
import { formatBudget } from './health_queries';

test('an error budget is said in words that cannot be misread', () => {
  expect(formatBudget(0.414)).toBe('41 % left');
  expect(formatBudget(1)).toBe('100 % left');
  expect(formatBudget(0)).toBe('spent');
  expect(formatBudget(-0.23)).toBe('spent, 23 % over');
  expect(formatBudget(-1.23)).toBe('spent 2.2 times');
  expect(formatBudget(-24.38)).toBe('spent 25 times');
  expect(formatBudget(null)).toBe('no data');
});
