import { NativeSelect } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { formatActor, words } from '../platform/format';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Elapsed, Time } from '../platform/time';
import { useRuns, type Run } from './run_queries';

const route = getRouteApi('/runs');
const states = ['running', 'waiting_approval', 'unknown', 'succeeded', 'failed', 'cancelled'];

export function RunsPage() {
  const { runbook, state } = route.useSearch();
  const navigate = route.useNavigate();
  const runs = useRuns({ runbook, state });
  return (
    <Page
      title={runbook ? `Runs of ${runbook}` : 'Runs'}
      actions={
        <NativeSelect
          size="xs"
          aria-label="State"
          value={state ?? ''}
          onChange={(event) => {
            const chosen = event.currentTarget.value || undefined;
            void navigate({ search: (it) => ({ ...it, state: chosen }) });
          }}
          data={[
            { value: '', label: 'Any state' },
            ...states.map((it) => ({ value: it, label: words(it) })),
          ]}
        />
      }
    >
      <Panel title="Newest first" flush>
        <Loaded query={runs} rows={6}>
          {({ items }) => <RunTable runs={items} />}
        </Loaded>
      </Panel>
    </Page>
  );
}

export function RunTable({ runs }: { runs: Run[] }) {
  if (runs.length === 0) {
    return (
      <Empty title="No run to show">
        Start one from <Link to="/procedures">a procedure</Link> or an incident.
      </Empty>
    );
  }
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Run</th>
          <th>State</th>
          <th className="wide">By</th>
          <th className="wide">Incident</th>
          <th>Started</th>
          <th className="num wide">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td>
              <Link to="/runs/$id" params={{ id: run.id }} className="title-link">
                {run.runbook}
              </Link>
              <span className="sub">
                {run.id}
                {run.current_step && ` · at ${run.current_step}`}
              </span>
            </td>
            <td>
              <StatusMark state={run.state} />
            </td>
            <td className="wide">{formatActor(run.by)}</td>
            <td className="wide">
              {run.incident ? (
                <Link to="/incidents/$id" params={{ id: run.incident }}>
                  {run.incident}
                </Link>
              ) : (
                <span className="dim">–</span>
              )}
            </td>
            <td className="nowrap">
              <Time at={run.started_at} />
            </td>
            <td className="num wide nowrap">
              <Elapsed from={run.started_at} to={run.finished_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
