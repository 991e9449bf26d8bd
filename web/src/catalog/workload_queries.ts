import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';

export type Workload = Schemas['Workload'];
export type WorkloadDetail = Schemas['WorkloadDetail'];

// Health and budgets move with telemetry, which is not in the stream of facts: these are asked for from time to time.
const kRefreshMs = 15_000;

export function useWorkloads() {
  return useQuery({
    queryKey: ['workloads'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/workloads', { signal })),
    refetchInterval: kRefreshMs,
  });
}

export function useWorkload(name: string) {
  return useQuery({
    queryKey: ['workloads', name],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/workloads/{name}', { params: { path: { name } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

const healthOrder = ['critical', 'at_risk', 'no_data', 'healthy'];

/** What needs looking at first, then the more important tier, then the name. */
export function byConcern(left: Workload, right: Workload): number {
  return (
    healthOrder.indexOf(left.health) - healthOrder.indexOf(right.health) ||
    left.tier - right.tier ||
    left.name.localeCompare(right.name)
  );
}

/** The least budget left over all SLOs, or undefined where none is known. */
export function worstBudget(workload: Workload): number | undefined {
  const known = workload.slos.map((slo) => slo.budget_remaining).filter((it) => it !== null);
  return known.length === 0 ? undefined : Math.min(...known);
}
