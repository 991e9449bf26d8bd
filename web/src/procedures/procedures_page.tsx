import { Link } from '@tanstack/react-router';
import { formatPercent } from '../platform/format';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { Time } from '../platform/time';
import { useAutomations, useRunbooks, useRuns } from './run_queries';
import { RunTable } from './runs_page';

export function ProceduresPage() {
  const runbooks = useRunbooks();
  const automations = useAutomations();
  const runs = useRuns({});
  return (
    <Page title="Procedures" lead="What to do, as code: runbooks that run, and what starts them.">
      <Panel title="Runbooks" flush>
        <Loaded query={runbooks} rows={5}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No runbook yet">
                Write the next thing you do twice as a Runbook and apply it.
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>Runbook</th>
                    <th className="wide">Workload</th>
                    <th className="wide">Owner</th>
                    <th className="num">Runs</th>
                    <th className="num">Succeeded</th>
                    <th>Last run</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((it) => (
                    <tr key={it.name}>
                      <td>
                        <Link
                          to="/procedures/$name"
                          params={{ name: it.name }}
                          className="title-link"
                        >
                          {it.title || it.name}
                        </Link>
                        <span className="sub">
                          {it.name} · {it.steps.length} steps
                        </span>
                      </td>
                      <td className="wide">{it.workload || <span className="dim">any</span>}</td>
                      <td className="wide">{it.owner}</td>
                      <td className="num">{it.runs}</td>
                      <td className="num">
                        {it.runs > 0 ? formatPercent(it.success_rate, 0) : '–'}
                      </td>
                      <td className="nowrap">
                        <Time at={it.last_run_at} none="never" />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
      <Panel title="Latest runs" flush aside={<Link to="/runs">All runs</Link>}>
        <Loaded query={runs} rows={3}>
          {({ items }) => <RunTable runs={items.slice(0, 6)} />}
        </Loaded>
      </Panel>
      <Panel title="Automations" flush>
        <Loaded query={automations} rows={2}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No automation yet">
                An Automation starts a runbook when something happens, within limits that you set.
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>Automation</th>
                    <th>When</th>
                    <th>Runs</th>
                    <th>State</th>
                    <th className="num">Triggered</th>
                    <th className="num wide">Held back</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((it) => (
                    <tr key={it.name}>
                      <td className="strong">{it.name}</td>
                      <td className="mono">
                        {it.on}
                        <span className="sub">
                          {Object.entries(it.when)
                            .map(([key, value]) => `${key} = ${String(value)}`)
                            .join(', ')}
                        </span>
                      </td>
                      <td>
                        <Link to="/procedures/$name" params={{ name: it.runbook }}>
                          {it.runbook}
                        </Link>
                      </td>
                      <td>
                        {!it.enabled ? (
                          <span className="tag">off</span>
                        ) : it.dry_run ? (
                          <span className="tag">dry run</span>
                        ) : (
                          <span className="tag">on</span>
                        )}
                      </td>
                      <td className="num">{it.triggered}</td>
                      <td className="num wide">{it.suppressed}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
