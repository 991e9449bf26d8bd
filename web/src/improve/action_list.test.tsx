import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, test } from 'vitest';
import type { Schemas } from '../platform/api';
import { createQueryClient } from '../platform/queries';
import { ActionList, FinishDialog } from './action_list';
import type { Action } from './analysis_queries';

const action: Action = {
  id: 'act-0007',
  analysis: '',
  title: 'Keep a warm pool',
  owner: 'storefront',
  due: '2026-12-31T23:59:59Z',
  state: 'open',
  created_at: '2026-11-02T08:00:00Z',
  expects: null,
  effect: null,
};
const expects: Schemas['Expectation'] = {
  metric: 'checkout-errors',
  control: '',
  kind: 'ratio',
  direction: 'lower',
  smallest: 0.1,
  watch: '7d',
};

function show(shown: ReactNode) {
  render(
    <MantineProvider>
      <QueryClientProvider client={createQueryClient()}>{shown}</QueryClientProvider>
    </MantineProvider>,
  );
}

test('before an action is finished it is said that nothing will be checked, and what to do', async () => {
  show(<FinishDialog action={action} close={() => undefined} />);
  expect(await screen.findByText(/Nothing will be checked/)).toBeDefined();
  expect(screen.getByText('wellrun action expect act-0007')).toBeDefined();
});

test('an action that says what it is to change is finished without more words', async () => {
  show(<FinishDialog action={{ ...action, expects }} close={() => undefined} />);
  await screen.findByRole('button', { name: 'Finish' });
  expect(screen.queryByText(/Nothing will be checked/)).toBeNull();
});

test('an empty list says what to do about it', () => {
  show(<ActionList actions={[]} empty="Nothing yet" hint="State it first." />);
  expect(screen.getByText('State it first.')).toBeDefined();
});
