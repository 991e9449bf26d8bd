// The page stays true by itself: every committed fact arrives over server-sent events, and what it touches is fetched
// again. Where the stream is down, queries poll instead (see polling.ts) and the shell says so.
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { kWhoAmI } from './queries';

export type Connection = 'connecting' | 'live' | 'reconnecting';

/** Fact type -> the queries (first key) that it touches, beside the journal. A browser must name every event it listens to. */
export const touchedBy: Readonly<Record<string, readonly string[]>> = {
  'catalog.applied': [
    'workloads',
    'kpis',
    'slos',
    'baselines',
    'findings',
    'forecasts',
    'runbooks',
    'automations',
    'on-call',
    'catalog',
    'resources',
  ],
  'resource.applied': ['resources'],
  'resource.deleted': ['resources'],
  'resource.part': ['resources'],
  'series.deletion_requested': [],
  'series.deleted': [],
  'series_limit.reached': [],
  'series_limit.cleared': [],
  'alert.fired': ['incidents', 'workloads', 'slos', 'alerts'],
  'alert.resolved': ['incidents', 'workloads', 'slos', 'alerts'],
  'finding.opened': ['findings', 'baselines'],
  'finding.changed': ['findings', 'baselines'],
  'finding.closed': ['findings', 'baselines'],
  'kpi.status_changed': ['kpis', 'workloads'],
  'kpi.reviewed': ['kpis'],
  'kpi.viewed': ['effectiveness'],
  'alert.verdict_given': ['alerts', 'effectiveness'],
  'budget.step_reached': ['slos'],
  'budget.step_left': ['slos'],
  'event.recorded': ['events'],
  'incident.opened': ['incidents', 'workloads', 'status-pages'],
  'incident.alert_added': ['incidents'],
  'incident.alert_resolved': ['incidents'],
  'incident.acknowledged': ['incidents'],
  'incident.escalated': ['incidents'],
  'incident.severity_changed': ['incidents', 'workloads', 'status-pages'],
  'incident.role_assigned': ['incidents'],
  'incident.note_added': ['incidents'],
  'incident.mitigated': ['incidents', 'workloads'],
  'incident.resolved': ['incidents', 'workloads', 'analyses', 'status-pages', 'dora'],
  'page.requested': ['incidents'],
  'page.sent': ['incidents'],
  'page.failed': ['incidents'],
  'status.posted': ['incidents', 'status-pages'],
  'status.update_due': ['incidents'],
  'run.started': ['runs', 'runbooks', 'incidents'],
  'run.step_started': ['runs'],
  'run.step_finished': ['runs'],
  'run.approval_requested': ['runs', 'incidents'],
  'run.approved': ['runs', 'incidents'],
  'run.resumed': ['runs'],
  'run.finished': ['runs', 'runbooks', 'incidents'],
  'run.verdict_given': ['runs', 'runbooks'],
  'automation.triggered': ['automations', 'incidents', 'runs'],
  'automation.suppressed': ['automations'],
  'deployment.started': ['deployments', 'workloads', 'dora', 'incidents'],
  'deployment.finished': ['deployments', 'workloads', 'dora', 'incidents'],
  'change.recorded': ['changes', 'incidents', 'dora'],
  'analysis.drafted': ['analyses', 'incidents'],
  'analysis.edited': ['analyses'],
  'analysis.signed': ['analyses'],
  'action.created': ['analyses', 'actions'],
  'action.finished': ['analyses', 'actions'],
  'action.effect_expected': ['analyses', 'actions'],
  'action.effect_judged': ['analyses', 'actions'],
  'experiment.started': ['experiments'],
  'experiment.judged': ['experiments'],
  'experiment.ended': ['experiments'],
  'experiment.learned': ['experiments'],
  'assessment.made': ['assessment'],
};

let connection: Connection = 'connecting';
const listeners = new Set<() => void>();

function become(next: Connection) {
  if (next === connection) return;
  connection = next;
  for (const listener of listeners) listener();
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connection,
  );
}

const kCollectMs = 150; // facts come in bursts; one fetch answers for all of them
const kRetryFirstMs = 1000;
const kRetryLongestMs = 15000;

/** Follows the stream until the returned function is called. */
export function followFacts(
  queries: QueryClient,
  open: (url: string) => EventSource = (url) => new EventSource(url),
): () => void {
  let source: EventSource | undefined;
  let retryMs = kRetryFirstMs;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let collect: ReturnType<typeof setTimeout> | undefined;
  const touched = new Set<string>();
  let missed = false; // something may have happened while we were not connected

  const refetch = () => {
    collect = undefined;
    for (const key of touched) void queries.invalidateQueries({ queryKey: [key] });
    touched.clear();
  };
  const touch = (keys: readonly string[]) => {
    for (const key of keys) touched.add(key);
    collect ??= setTimeout(refetch, kCollectMs);
  };
  const connect = () => {
    source = open('/api/v1/stream');
    source.onopen = () => {
      retryMs = kRetryFirstMs;
      become('live');
      if (missed) void queries.invalidateQueries();
      missed = false;
    };
    source.onerror = () => {
      missed = true;
      become('reconnecting');
      if (source?.readyState !== EventSource.CLOSED) return; // the browser itself tries again
      // Refused, or not there. If it was refused because the session ended, only a log-in helps.
      void queries.invalidateQueries({ queryKey: kWhoAmI }, { cancelRefetch: false });
      retry = setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, kRetryLongestMs);
    };
    for (const [type, keys] of Object.entries(touchedBy)) {
      source.addEventListener(type, () => touch([...keys, 'journal']));
    }
  };
  connect();
  return () => {
    source?.close();
    clearTimeout(retry);
    clearTimeout(collect);
    become('connecting');
  };
}
