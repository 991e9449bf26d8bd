import { Link } from '@tanstack/react-router';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Time } from '../platform/time';
import { ActionList } from './action_list';
import { useActions, useAnalyses, useExperiments } from './analysis_queries';
import { ExperimentList } from './experiment_list';

export function AnalysesPage() {
  const analyses = useAnalyses();
  const actions = useActions('open');
  const finished = useActions('finished');
  const experiments = useExperiments();
  return (
    <Page title="Analyses" lead="What incidents taught, and what is done about it.">
      <Panel title="Open actions" flush>
        <Loaded query={actions} rows={3}>
          {({ items }) => <ActionList actions={items} empty="No action is open" />}
        </Loaded>
      </Panel>
      <Panel title="Did it help?" flush>
        <Loaded query={finished} rows={2}>
          {({ items }) => (
            <ActionList
              actions={items.filter((it) => it.expects)}
              empty="No finished action said beforehand what it was to change"
              hint={
                <>
                  Say it while an action is open, with <code>wellrun action expect</code>: it is
                  checked once the action is finished.
                </>
              }
            />
          )}
        </Loaded>
      </Panel>
      <Panel title="Experiments" flush>
        <Loaded query={experiments} rows={2}>
          {({ items }) => <ExperimentList experiments={items} />}
        </Loaded>
      </Panel>
      <Panel title="Post-incident analyses" flush>
        <Loaded query={analyses} rows={5}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No analysis yet">
                When an incident is resolved, an analysis is drafted from what was recorded.
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>Analysis</th>
                    <th>State</th>
                    <th>Incident</th>
                    <th className="wide">Drafted</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((it) => (
                    <tr key={it.id}>
                      <td>
                        <Link to="/analyses/$id" params={{ id: it.id }} className="title-link">
                          {it.title || `Analysis of ${it.incident}`}
                        </Link>
                        <span className="sub">
                          {it.id}
                          {it.workload && ` · ${it.workload}`}
                        </span>
                      </td>
                      <td>
                        <StatusMark state={it.state} />
                      </td>
                      <td>
                        <Link to="/incidents/$id" params={{ id: it.incident }}>
                          {it.incident}
                        </Link>
                      </td>
                      <td className="wide nowrap">
                        <Time at={it.drafted_at} />
                      </td>
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
