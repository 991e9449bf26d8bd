import { expect, test } from 'vitest';
import { burnDownLines, incidentSpans, stepWords, type ErrorBudget } from './slo_queries';

const budget = (over: Partial<ErrorBudget>) =>
  ({
    period_start: '2026-11-01T00:00:00Z',
    period_end: '2026-11-01T10:00:00Z',
    burn_down: [],
    ...over,
  }) as ErrorBudget;

const point = (hour: number, remaining: number | null) => ({
  time: `2026-11-01T0${hour}:00:00Z`,
  remaining,
  bad: 0,
  total: 1,
});

test('the burn-down goes on to the end of the period, where the even one reaches nothing', () => {
  const lines = burnDownLines(budget({ burn_down: [point(1, 1), point(2, 0.5), point(3, -0.2)] }));
  expect(lines?.left.points.map(([, left]) => left)).toEqual([1, 0.5, -0.2]);
  expect(lines?.range.step).toBe(3600);
  expect(lines?.range.end).toBe(Date.parse('2026-11-01T10:00:00Z') / 1000);
  expect(lines?.even.points[0]?.[1]).toBeCloseTo(0.9);
  expect(lines?.even.points.at(-1)?.[1]).toBeCloseTo(0);
});

test('what was not measured has no line', () => {
  expect(burnDownLines(budget({}))).toBeNull();
  expect(burnDownLines(budget({ burn_down: [point(1, 1)] }))).toBeNull();
  expect(burnDownLines(budget({ period_start: null }))).toBeNull();
});

test('an incident stands on the burn-down as one, for as long as it was open', () => {
  const incident = { from: '2026-11-01T01:00:00Z', id: 'inc-0007', title: 'Orders fail' };
  const closed = { ...incident, to: '2026-11-01T02:00:00Z' };
  const now = Date.parse('2026-11-01T05:00:00Z') / 1000;
  const spans = incidentSpans({ incidents: [closed, { ...incident, to: null }] }, now);
  expect(spans.map(({ kind }) => kind)).toEqual(['incident', 'incident']);
  expect(spans.map(({ from, to }) => (to - from) / 3600)).toEqual([1, 4]);
  expect(spans[0]?.text).toBe('inc-0007: Orders fail');
});

test('steps of a policy are said in words', () => {
  expect(['flag-deployments', 'action'].map(stepWords).join(', ')).toBe(
    'deployments are flagged, an action for the owner',
  );
});
