import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { createQueryClient } from '../platform/queries';
import { SectionDialog } from './analysis_page';

afterEach(() => {
  vi.unstubAllGlobals();
});

test('writing begins with what stands there, so that nothing written before is lost unseen', async () => {
  const sent: unknown[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push(await request.json());
    return Response.json({ id: 'ana-0001', incident: 'inc-0001', state: 'draft' });
  });
  const section = {
    name: 'summary',
    sentences: [{ text: 'Prices were missing.', sources: [91] }],
    edited_by: 'person:ada',
  };
  const close = vi.fn();
  render(
    <MantineProvider>
      <QueryClientProvider client={createQueryClient()}>
        <SectionDialog analysis="ana-0001" section={section} close={close} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  const text = await screen.findByLabelText<HTMLTextAreaElement>('In your words');
  expect(text.value).toBe('Prices were missing.');
  await userEvent.type(text, ' Nobody saw.');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(close).toHaveBeenCalled());
  expect(sent).toEqual([{ section: 'summary', text: 'Prices were missing. Nobody saw.' }]);
});
