import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { useFallbackInterval } from '../platform/polling';

export type Incident = Schemas['Incident'];
export type IncidentDetail = Schemas['IncidentDetail'];

interface Filter {
  state?: 'open' | 'resolved' | 'all';
  workload?: string;
}

export function useIncidents(filter: Filter) {
  return useQuery({
    queryKey: ['incidents', filter],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/incidents', { params: { query: filter }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useIncident(id: string) {
  return useQuery({
    queryKey: ['incidents', 'one', id],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/incidents/{id}', { params: { path: { id } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useOnCall() {
  return useQuery({
    queryKey: ['on-call'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/on-call', { signal })),
    refetchInterval: 60_000, // hand-overs are not facts
  });
}

/** The gravest first, then the newest. */
export function byUrgency(left: Incident, right: Incident): number {
  return left.severity - right.severity || right.opened_at.localeCompare(left.opened_at);
}
