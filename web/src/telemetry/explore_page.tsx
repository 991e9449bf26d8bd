// Look at the signals themselves: metrics by PromQL, logs, traces. The URL holds the whole question.
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Page } from '../platform/page';
import { Loading } from '../platform/states';
import { Switch } from '../platform/switch';
import { ranges } from './prometheus';

const MetricsView = lazy(() =>
  import('./metrics_view').then((it) => ({ default: it.MetricsView })),
);
const LogsView = lazy(() => import('./logs_view').then((it) => ({ default: it.LogsView })));
const TracesView = lazy(() => import('./traces_view').then((it) => ({ default: it.TracesView })));

const route = getRouteApi('/explore');
const tabs = [
  { value: 'metrics', text: 'Metrics' },
  { value: 'logs', text: 'Logs' },
  { value: 'traces', text: 'Traces' },
] as const;

export function ExplorePage() {
  const { tab = 'metrics', range = '1h' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Explore"
      actions={
        <>
          <Switch
            label="Signal"
            options={tabs}
            value={tab}
            onChange={(value) => void navigate({ search: (it) => ({ ...it, tab: value }) })}
          />
          <Switch
            label="Time shown"
            options={ranges.map((value) => ({ value, text: value }))}
            value={ranges.find((it) => it === range) ?? '1h'}
            onChange={(value) => void navigate({ search: (it) => ({ ...it, range: value }) })}
          />
        </>
      }
    >
      <Suspense fallback={<Loading rows={8} />}>
        {tab === 'metrics' && <MetricsView />}
        {tab === 'logs' && <LogsView />}
        {tab === 'traces' && <TracesView />}
      </Suspense>
    </Page>
  );
}
