import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { useFallbackInterval } from '../platform/polling';

export type Analysis = Schemas['Analysis'];
export type Action = Schemas['Action'];
export type Experiment = Schemas['Experiment'];

export function useAnalyses(incident?: string) {
  return useQuery({
    queryKey: ['analyses', incident ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/analyses', { params: { query: { incident } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useAnalysis(id: string) {
  return useQuery({
    queryKey: ['analyses', 'one', id],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/analyses/{id}', { params: { path: { id } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useActions(state: 'open' | 'finished') {
  return useQuery({
    queryKey: ['actions', state],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/actions', { params: { query: { state } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useExperiments() {
  return useQuery({
    queryKey: ['experiments'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/experiments', { signal })),
    refetchInterval: useFallbackInterval(),
  });
}
