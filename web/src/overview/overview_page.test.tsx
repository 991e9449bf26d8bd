import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { createQueryClient } from '../platform/queries';
import { Attention } from './overview_page';

const paths = ['incidents', 'kpis', 'slos', 'runs'] as const;
const calm = 'Nothing needs you now';

/** Every question is answered with nothing, but for one. */
function show(except: (typeof paths)[number] | undefined, answer: Promise<Response>) {
  vi.stubGlobal('fetch', (request: Request) =>
    request.url.includes(`/${except}`)
      ? answer
      : Promise.resolve(Response.json({ items: [] }, { status: 200 })),
  );
  render(
    <MantineProvider>
      <QueryClientProvider client={createQueryClient()}>
        <Attention />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

const settled = () => new Promise((done) => setTimeout(done, 50));

afterEach(() => {
  vi.unstubAllGlobals();
});

test('calm is said when incidents, outcomes, objectives and runs all came and are quiet', async () => {
  show(undefined, new Promise(() => undefined));
  expect(await screen.findByText(calm)).toBeTruthy();
});

test.each(paths)('calm is not said while %s have not come', async (path) => {
  show(path, new Promise(() => undefined));
  await settled();
  expect(screen.queryByText(calm)).toBeNull();
  expect(screen.getByLabelText('Loading')).toBeTruthy();
});

test.each(paths)('a failure to ask for %s is said instead of calm', async (path) => {
  const refusal = Response.json({ title: 'Too many requests' }, { status: 429 });
  show(path, Promise.resolve(refusal));
  expect((await screen.findByRole('alert')).textContent).toContain('Too many requests');
  expect(screen.queryByText(calm)).toBeNull();
  expect(screen.getByRole('button', { name: 'Try again' })).toBeTruthy();
});
