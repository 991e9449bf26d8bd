import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import type { Span } from '../telemetry/chart';
import type { SeriesLine, TimeRange } from '../telemetry/prometheus';

export type ErrorBudget = Schemas['ErrorBudget'];

const kRefreshMs = 30_000;

/** One SLO with its burn-down, what used the budget up and what that closes. */
export function useErrorBudget(slo: string) {
  return useQuery({
    queryKey: ['slos', 'report', slo],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/reports/error-budget', { params: { query: { slo } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

/** The burn-down as a line, and the straight one of a budget that lasts exactly to the end. */
export function burnDownLines(budget: ErrorBudget): {
  range: TimeRange;
  left: SeriesLine;
  even: SeriesLine;
} | null {
  const points = budget.burn_down ?? [];
  const [first, second] = points;
  if (!first || !second || !budget.period_start || !budget.period_end) return null;
  const at = (time: string) => Math.round(Date.parse(time) / 1000);
  const step = Math.max(1, at(second.time) - at(first.time));
  const start = at(first.time);
  const end = Math.max(start + step * (points.length - 1), at(budget.period_end));
  const length = Math.max(1, at(budget.period_end) - at(budget.period_start));
  const left: [number, number][] = points.map((it, index) => [
    start + index * step,
    it.remaining ?? NaN,
  ]);
  const even: [number, number][] = [];
  for (let time = start; time <= end; time += step) {
    even.push([time, Math.max(0, 1 - (time - at(budget.period_start)) / length)]);
  }
  const line = (points: [number, number][]): SeriesLine => ({ labels: {}, points });
  return { range: { start, end, step }, left: line(left), even: line(even) };
}

/** The incidents of the window as they stand on a chart; one that is open goes on until `now`. */
export function incidentSpans(budget: Pick<ErrorBudget, 'incidents'>, now: number): Span[] {
  return budget.incidents.map((it) => ({
    kind: 'incident',
    from: Date.parse(it.from) / 1000,
    to: it.to ? Date.parse(it.to) / 1000 : now,
    text: [it.id, it.title].filter(Boolean).join(': ') || 'incident',
  }));
}

/** What a step of a budget policy does, in words. */
export function stepWords(then: string): string {
  switch (then) {
    case 'flag-deployments':
      return 'deployments are flagged';
    case 'refuse-deployments':
      return 'deployments are refused';
    case 'ticket':
      return 'a ticket';
    case 'page':
      return 'somebody is paged';
    default:
      return 'an action for the owner';
  }
}
