import { expect, test } from 'vitest';
import { nextBestStep, type PracticeRow } from './assessment_queries';

function row(
  id: string,
  verdict: PracticeRow['verdict'],
  score: number,
  next = 'do it',
): PracticeRow {
  return { id, title: id, aliases: [], verdict, score, figure: '', evidence: [], next_step: next };
}

test('the next best step is that of the known practice furthest from done', () => {
  const rows = [
    row('A', 'practised', 0.9),
    row('B', 'partly', 0.5),
    row('C', 'not', 0.2),
    row('D', 'not', 0.1),
    row('E', 'no_rule', 0),
    row('F', 'not', 0, ''),
  ];
  expect(nextBestStep(rows)?.id).toBe('D');
  expect(nextBestStep([row('A', 'practised', 1)])).toBeUndefined();
});
