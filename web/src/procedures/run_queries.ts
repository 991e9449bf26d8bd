import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { useFallbackInterval } from '../platform/polling';

export type Runbook = Schemas['Runbook'];
export type Run = Schemas['Run'];
export type RunDetail = Schemas['RunDetail'];
export type RunStep = Schemas['RunStep'];

export function useRunbooks() {
  return useQuery({
    queryKey: ['runbooks'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/runbooks', { signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useRunbook(name: string) {
  return useQuery({
    queryKey: ['runbooks', name],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/runbooks/{name}', { params: { path: { name } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useRuns(filter: { runbook?: string; incident?: string; state?: string }) {
  return useQuery({
    queryKey: ['runs', filter],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/runs', { params: { query: filter }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useRun(id: string) {
  return useQuery({
    queryKey: ['runs', 'one', id],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/runs/{id}', { params: { path: { id } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useAutomations() {
  return useQuery({
    queryKey: ['automations'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/automations', { signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function isWaitingForAPerson(run: Run): boolean {
  return run.state === 'waiting_approval' || run.state === 'unknown';
}
