import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { Schemas } from '../platform/api';
import { Effect, expectationText } from './effect';

const expects: Schemas['Expectation'] = {
  metric: 'checkout-errors',
  control: '',
  kind: 'ratio',
  direction: 'lower',
  smallest: 0.07,
  watch: '7d',
};

test('an expectation is said in words, with its control where it has one', () => {
  expect(expectationText(expects)).toBe(
    'checkout-errors is to get lower by 7 % or more, within 7d',
  );
  expect(expectationText({ ...expects, control: 'old' })).toContain(', against old');
});

test('a verdict shows its state, its doubt and why', () => {
  const effect = {
    state: 'inconclusive',
    doubt: 'stale',
    reason: 'the metric has stopped coming',
    test: 'a test',
    threshold: 'evidence of 20',
  } as Schemas['EffectVerdict'];
  render(
    <MantineProvider>
      <Effect expects={expects} effect={effect} />
    </MantineProvider>,
  );
  expect(screen.getByText(/Inconclusive/)).toBeDefined();
  expect(screen.getByText(/\(stale\)/).textContent).toContain('the metric has stopped coming');
});

test('an action that expected nothing shows nothing', () => {
  const { container } = render(<Effect expects={null} effect={null} />);
  expect(container.textContent).toBe('');
});
