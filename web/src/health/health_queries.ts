import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';

export type Kpi = Schemas['Kpi'];
export type Slo = Schemas['Slo'];

const kRefreshMs = 15_000;

export function useKpis(workload?: string) {
  return useQuery({
    queryKey: ['kpis', workload ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/kpis', { params: { query: { workload } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

export function useSlos(workload?: string) {
  return useQuery({
    queryKey: ['slos', workload ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/slos', { params: { query: { workload } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

export function isBurning(slo: Slo): boolean {
  return slo.burn_rates.some((rate) => rate.firing);
}

/** "good" while more than a quarter of the budget is left, "bad" once it is spent. */
export function budgetTone(remaining: number | null | undefined): 'good' | 'warn' | 'bad' | 'mute' {
  if (remaining === null || remaining === undefined) return 'mute';
  if (remaining <= 0) return 'bad';
  return remaining < 0.25 ? 'warn' : 'good';
}
