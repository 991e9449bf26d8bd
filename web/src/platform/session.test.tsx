import { MantineProvider } from '@mantine/core';
import { QueryClientProvider, useQuery } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answer, client } from './api';
import { createQueryClient } from './queries';
import { SessionGate } from './session';
import { Loaded } from './states';

class SilentSource extends EventTarget {
  static readonly CLOSED = 2;
  readyState = 1;
  close() {}
}

type Answer = [status: number, body: unknown];
let server: Record<string, Answer>;

beforeEach(() => {
  server = {
    '/api/v1/whoami': [200, { actor: 'person:ada', role: 'viewer' }],
    '/api/v1/on-call': [200, { items: [{ person: 'ada', schedule: 'days' }] }],
  };
  vi.stubGlobal('EventSource', SilentSource);
  vi.stubGlobal('fetch', (request: Request) => {
    const [status, body] = server[new URL(request.url).pathname] ?? [404, { title: 'Not found' }];
    return Promise.resolve(
      new Response(JSON.stringify(body), {
        status,
        headers: { 'Content-Type': 'application/json' },
      }),
    );
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function WhoIsOnCall() {
  const onCall = useQuery({
    queryKey: ['on-call'],
    queryFn: () => answer(client.GET('/api/v1/on-call')),
  });
  return (
    <>
      <button onClick={() => void onCall.refetch()}>Ask again</button>
      <Loaded query={onCall}>{({ items }) => <p>On call: {items[0]?.person}</p>}</Loaded>
    </>
  );
}

function show() {
  render(
    <MantineProvider>
      <QueryClientProvider client={createQueryClient()}>
        <SessionGate>
          <WhoIsOnCall />
        </SessionGate>
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test('when a session ends, the next question leads to the log-in instead of showing what was', async () => {
  show();
  await screen.findByText('On call: ada');
  const ended: Answer = [401, { title: 'Unauthorized', detail: 'log in' }];
  server = { '/api/v1/whoami': ended, '/api/v1/on-call': ended };
  await userEvent.click(screen.getByRole('button', { name: 'Ask again' }));
  expect(await screen.findByRole('button', { name: 'Log in' })).toBeTruthy();
  expect(screen.queryByText('On call: ada')).toBeNull();
});

test('what could not be fetched again stays, and is said to be old', async () => {
  show();
  await screen.findByText('On call: ada');
  expect(screen.queryByRole('status')).toBeNull();
  server['/api/v1/on-call'] = [429, { title: 'Too many requests', detail: 'wait a second' }];
  await userEvent.click(screen.getByRole('button', { name: 'Ask again' }));
  expect((await screen.findByRole('status')).textContent).toMatch(/wait a second.*just now/);
  expect(screen.getByText('On call: ada')).toBeTruthy();
});
