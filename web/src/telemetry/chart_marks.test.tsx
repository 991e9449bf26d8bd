import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { ChartMarks, groupMarks, markAt, marksIn } from './chart_marks';

const range = { start: 1000, end: 2000, step: 10 };
const spans = [
  { kind: 'anomaly' as const, from: 1500, to: 1600, text: 'high: 900 where 70..130 is expected' },
  { kind: 'incident' as const, from: 900, to: 1700, text: 'inc-0001: Orders fail' },
  { kind: 'anomaly' as const, from: 100, to: 200, text: 'long ago' },
];
const markers = [{ at: 1490, text: 'checkout 1.2.0' }];

test('marks are those of the range, in order of time', () => {
  expect(marksIn(range, spans, markers).map(({ kind }) => kind)).toEqual([
    'incident',
    'change',
    'anomaly',
  ]);
});

test('a pointer is on the shortest mark that holds it', () => {
  const marks = marksIn(range, spans, markers);
  expect(markAt(marks, 1550, 20)?.kind).toBe('anomaly');
  expect(markAt(marks, 1480, 20)?.kind).toBe('change');
  expect(markAt(marks, 1200, 20)?.kind).toBe('incident');
  expect(markAt(marks, 1900, 20)).toBeUndefined();
});

test('the newest anomaly is said; another mark by keyboard', async () => {
  const point = vi.fn();
  render(
    <ChartMarks range={range} spans={spans} markers={markers} cursorTime={null} onPoint={point} />,
  );
  expect(screen.getByText(/900 where 70..130 is expected/)).toBeTruthy();
  const user = userEvent.setup();
  await user.tab();
  expect(screen.getByText('inc-0001: Orders fail', { exact: false })).toBeTruthy();
  expect(point).toHaveBeenLastCalledWith(1000);
  await user.tab();
  expect(document.activeElement?.getAttribute('aria-label')).toMatch(/^Change at .*checkout 1.2.0/);
  expect(point).toHaveBeenLastCalledWith(1490);
});

test('changes of one minute stand under one time of day, and all are said', async () => {
  const at = 1440; // a whole minute
  const several = [
    { at, text: 'checkout 1.2.0' },
    { at: at + 20, text: 'payments 3.1' },
    { at: at + 59, text: 'flag new-cart on' },
    { at: at + 60, text: 'checkout 1.2.1' },
  ];
  expect(groupMarks(marksIn(range, [], several), range).map((it) => it.marks.length)).toEqual([
    3, 1,
  ]);
  render(
    <ChartMarks
      range={range}
      spans={[]}
      markers={several}
      cursorTime={null}
      onPoint={() => undefined}
    />,
  );
  const buttons = screen.getAllByRole('button');
  expect(buttons).toHaveLength(2);
  expect(buttons[0]?.textContent).toMatch(/×3$/);
  expect(buttons[0]?.getAttribute('aria-label')).toMatch(
    /^3 changes at .*: checkout 1.2.0; payments 3.1; flag new-cart on$/,
  );
  await userEvent.setup().tab();
  expect(screen.getByText('payments 3.1', { exact: false })).toBeTruthy();
});

test('without marks there is nothing', () => {
  const { container } = render(
    <ChartMarks
      range={range}
      spans={[]}
      markers={[]}
      cursorTime={null}
      onPoint={() => undefined}
    />,
  );
  expect(container.innerHTML).toBe('');
});
