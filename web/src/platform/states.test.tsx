import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { ApiError } from './api';
import { Failure } from './states';
import { lookOf, StatusMark } from './status';

test('a failure says what happened, where, and lets one try again', async () => {
  const retry = vi.fn();
  render(
    <MantineProvider>
      <Failure error={new ApiError(404, 'Not found', 'no run "run-9"', 'run-9')} retry={retry} />
    </MantineProvider>,
  );
  expect(screen.getByRole('alert').textContent).toContain('no run "run-9"');
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(retry).toHaveBeenCalledOnce();
});

test('a state is always also a word, even one that this page does not know yet', () => {
  render(<StatusMark state="waiting_approval" />);
  expect(screen.getByText('Waiting for approval')).toBeTruthy();
  render(<StatusMark state="brand_new" />);
  expect(screen.getByText('brand new')).toBeTruthy();
  expect(lookOf('brand_new').tone).toBe('mute');
});
