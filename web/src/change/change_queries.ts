import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { useFallbackInterval } from '../platform/polling';

export type Deployment = Schemas['Deployment'];
export type Change = Schemas['Change'];

export function useDeployments(workload?: string) {
  return useQuery({
    queryKey: ['deployments', workload ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/deployments', { params: { query: { workload } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useChanges(workload?: string) {
  return useQuery({
    queryKey: ['changes', workload ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/changes', { params: { query: { workload } }, signal })),
    refetchInterval: useFallbackInterval(),
  });
}

export function useDora(workload?: string, window = '30d') {
  return useQuery({
    queryKey: ['dora', workload ?? '', window],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/dora', { params: { query: { workload, window } }, signal })),
  });
}

/** A deployment or another change, as one list shows both. */
export interface RecentChange {
  id: string;
  at: string;
  kind: 'deployment' | Change['kind'];
  workload: string;
  component: string;
  environment: string;
  what: string;
  state: string;
  by: string;
  url: string;
}

export function mergeChanges(deployments: Deployment[], changes: Change[]): RecentChange[] {
  const merged: RecentChange[] = [
    ...deployments.map((it) => ({
      id: it.id,
      at: it.started_at,
      kind: 'deployment' as const,
      workload: it.workload,
      component: it.component,
      environment: it.environment,
      what: it.previous_version ? `${it.previous_version} → ${it.version}` : it.version,
      state: it.outcome || it.state,
      by: it.by ?? '',
      url: it.url ?? '',
    })),
    ...changes.map((it) => ({
      id: it.id,
      at: it.at,
      kind: it.kind,
      workload: it.workload,
      component: it.component ?? '',
      environment: it.environment ?? '',
      what: it.summary,
      state: '',
      by: it.by ?? '',
      url: '',
    })),
  ];
  return merged.sort((left, right) => Date.parse(right.at) - Date.parse(left.at));
}
