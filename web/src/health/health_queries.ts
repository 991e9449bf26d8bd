import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { formatPercent } from '../platform/format';

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

/** More of the budget is used than there is, and by enough events to say so. */
export function isOverspent(slo: Slo): boolean {
  return (slo.budget_remaining ?? 0) < 0 && slo.budget_held_back === '';
}

/** "good" while more than a quarter of the budget is left, "bad" once it is spent. */
export function budgetTone(remaining: number | null | undefined): 'good' | 'warn' | 'bad' | 'mute' {
  if (remaining === null || remaining === undefined) return 'mute';
  if (remaining <= 0) return 'bad';
  return remaining < 0.25 ? 'warn' : 'good';
}

/** What is left of an error budget, in words: "41 % left"; once it is gone "spent, 23 % over", "spent 3.4 times". */
export function formatBudget(remaining: number | null | undefined, digits = 0): string {
  if (remaining === null || remaining === undefined) return 'no data';
  if (remaining > 0) return `${formatPercent(remaining, digits)} left`;
  const over = -remaining;
  if (over >= 1) return `spent ${trimmedTimes(over + 1)} times`;
  return over < 0.005 ? 'spent' : `spent, ${formatPercent(over, digits)} over`;
}

function trimmedTimes(times: number): string {
  return times < 10 ? times.toFixed(1) : times.toFixed(0);
}

const concern: Record<Kpi['status'], number> = { missed: 0, at_risk: 1, no_data: 2, on_target: 3 };

/** The outcome that is worst first, then by name. */
export function byRisk(left: Kpi, right: Kpi): number {
  return concern[left.status] - concern[right.status] || left.name.localeCompare(right.name);
}
