// One workload: is it well, how do we know, what changed, who owns it.
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { ChangeList } from '../change/change_list';
import { mergeChanges, useChanges, useDeployments } from '../change/change_queries';
import { useBaselines, useFindings, type Baseline } from '../health/baseline_queries';
import { FindingList } from '../health/finding_list';
import { ForecastList } from '../health/forecast_list';
import { useForecasts } from '../health/forecast_queries';
import { useKpis, useSlos } from '../health/health_queries';
import { KpiChart } from '../health/kpi_chart';
import { SloView } from '../health/slo_panel';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded, Loading } from '../platform/states';
import { StatusIcon, StatusMark } from '../platform/status';
import { Switch } from '../platform/switch';
import { IncidentAttention } from '../respond/incident_attention';
import { useIncidents, type Incident } from '../respond/incident_queries';
import type { Span } from '../telemetry/chart';
import { parseRange, ranges } from '../telemetry/prometheus';
import { useWorkload, type WorkloadDetail } from './workload_queries';

const DependencyGraph = lazy(() =>
  import('./dependency_graph').then((it) => ({ default: it.DependencyGraph })),
);

const route = getRouteApi('/workloads/$name');

export function WorkloadPage() {
  const { name } = route.useParams();
  const workload = useWorkload(name);
  return (
    <Loaded query={workload} rows={8}>
      {(data) => <WorkloadView workload={data} />}
    </Loaded>
  );
}

function WorkloadView({ workload }: { workload: WorkloadDetail }) {
  const { range = '1h' } = route.useSearch();
  const navigate = route.useNavigate();
  const seconds = parseRange(range) ?? 3600;
  const kpis = useKpis(workload.name);
  const slos = useSlos(workload.name);
  const deployments = useDeployments(workload.name);
  const changes = useChanges(workload.name);
  const incidents = useIncidents({ state: 'open', workload: workload.name });
  const allIncidents = useIncidents({ state: 'all', workload: workload.name });
  const baselines = useBaselines(workload.name);
  const findings = useFindings(workload.name);
  const forecasts = useForecasts(workload.name);
  const incidentSpans = (allIncidents.data?.items ?? []).map(incidentSpan);
  /** Its only series; of several none is the figure's. */
  const baselineOf = (key: string) => {
    const found = baselines.data?.items.filter((it) => it.watch === key) ?? [];
    return found.length === 1 ? found[0] : undefined;
  };
  const recent = mergeChanges(deployments.data?.items ?? [], changes.data?.items ?? []);
  const markers = recent
    .map((it) => ({
      at: Date.parse(it.at) / 1000,
      text: it.kind === 'deployment' ? `${it.component} ${it.what}`.trim() : it.what,
    }))
    .reverse();
  return (
    <Page
      title={workload.display_name || workload.name}
      after={<StatusMark state={workload.health} />}
      lead={
        <>
          {workload.description && <>{workload.description} · </>}
          tier {workload.tier} · owned by{' '}
          <Link to="/catalog" search={{ kind: 'Team', name: workload.owner }}>
            {workload.owner}
          </Link>
          {workload.customer_facing && ' · customer facing'}
          {workload.health_reasons.length > 0 && (
            <>
              <br />
              {workload.health_reasons.join('; ')}
            </>
          )}
        </>
      }
      actions={
        <Switch
          label="Time shown"
          options={ranges.map((value) => ({ value, text: value }))}
          value={ranges.find((it) => it === range) ?? '1h'}
          onChange={(value) => void navigate({ search: { range: value } })}
        />
      }
    >
      {(incidents.data?.items.length ?? 0) > 0 && (
        <section className="attention" aria-label="Open incidents">
          {incidents.data?.items.map((incident) => (
            <IncidentAttention key={incident.id} incident={incident} />
          ))}
        </section>
      )}
      <div className="columns">
        <div>
          <Panel title="Outcomes (KPIs)">
            <Loaded query={kpis} rows={6}>
              {({ items }) =>
                items.length === 0 ? (
                  <Empty title="No KPI is declared">
                    Say what success means: a Kpi with an outcome, a query and a target.
                  </Empty>
                ) : (
                  <div className="tiles">
                    {items.map((kpi) => (
                      <KpiChart
                        key={kpi.name}
                        kpi={kpi}
                        seconds={seconds}
                        markers={markers}
                        baseline={baselineOf(`kpi/${kpi.name}`)}
                        incidents={incidentSpans}
                      />
                    ))}
                  </div>
                )
              }
            </Loaded>
          </Panel>
          <Panel title="Service levels (SLOs)">
            <Loaded query={slos} rows={6}>
              {({ items }) =>
                items.length === 0 ? (
                  <Empty title="No SLO is declared">
                    An Slo turns a KPI into an error budget and an alert that is worth waking for.
                  </Empty>
                ) : (
                  <div className="tiles">
                    {items.map((slo) => (
                      <SloView
                        key={slo.name}
                        slo={slo}
                        seconds={seconds}
                        markers={markers}
                        baseline={baselineOf(`sli/${slo.name}`)}
                        incidents={incidentSpans}
                      />
                    ))}
                  </div>
                )
              }
            </Loaded>
          </Panel>
          <Panel title="Dependencies" flush>
            {workload.components.length === 0 ? (
              <Empty title="No component is declared" />
            ) : (
              <Suspense fallback={<Loading rows={6} />}>
                <DependencyGraph components={workload.components} />
              </Suspense>
            )}
          </Panel>
          <Components workload={workload} />
        </div>
        <div>
          <Panel title="Findings" flush>
            {(findings.data?.items.length ?? 0) === 0 && (
              <Empty title="Nothing is unusual">{watchedText(baselines.data?.items ?? [])}</Empty>
            )}
            <FindingList findings={(findings.data?.items ?? []).slice(0, 5)} />
          </Panel>
          <Panel title="Outlook" flush>
            <ForecastList forecasts={forecasts.data} />
          </Panel>
          <Panel title="Who to ask">
            <dl className="pairs">
              <dt>On call</dt>
              <dd>
                {workload.on_call.map((it) => it.display_name || it.person).join(', ') || 'nobody'}
              </dd>
              <dt>Owners</dt>
              <dd>{workload.owners.join(', ') || workload.owner}</dd>
              <dt>Escalation</dt>
              <dd>{workload.policy || <span className="dim">none</span>}</dd>
              <dt>Customers told by</dt>
              <dd>{workload.communication_plan || <span className="dim">no plan</span>}</dd>
            </dl>
          </Panel>
          <Panel title="Procedures" flush>
            {workload.procedures.length === 0 && <Empty title="No procedure yet" />}
            <ul className="list">
              {workload.procedures.map((name) => (
                <li key={name}>
                  <Link to="/procedures/$name" params={{ name }}>
                    {name}
                  </Link>
                </li>
              ))}
            </ul>
          </Panel>
          <Panel title="Recent changes" flush>
            <ChangeList changes={recent.slice(0, 8)} />
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function incidentSpan(incident: Incident): Span {
  return {
    kind: 'incident',
    from: Date.parse(incident.opened_at) / 1000,
    to: (incident.resolved_at ? Date.parse(incident.resolved_at) : Date.now()) / 1000,
    text: `${incident.id}: ${incident.title}`,
  };
}

function watchedText(baselines: Baseline[]): string {
  if (baselines.length === 0) return 'Nothing is watched yet: declare a Kpi, an Slo or a Baseline.';
  const learning = baselines.filter((it) => it.phase === 'learning').length;
  const series = baselines.length === 1 ? '1 series is' : `${baselines.length} series are`;
  return learning === 0
    ? `${series} watched.`
    : `${series} watched, ${learning} of them still learning what is normal.`;
}

function Components({ workload }: { workload: WorkloadDetail }) {
  if (workload.components.length === 0) return null;
  return (
    <Panel title="Components and their signals" flush>
      <table className="table">
        <thead>
          <tr>
            <th>Component</th>
            <th className="wide">Service</th>
            <th>Signals declared, and seen</th>
          </tr>
        </thead>
        <tbody>
          {workload.components.map((component) => (
            <tr key={component.name}>
              <td>
                <span className="strong">{component.name}</span>
                <span className="sub">{component.owner}</span>
              </td>
              <td className="mono wide">{component.service}</td>
              <td>
                <span className="row">
                  {component.signals.length === 0 && <span className="dim">none declared</span>}
                  {component.signals.map((signal) => (
                    <span key={signal} className="row nowrap">
                      <StatusIcon
                        size={15}
                        state={component.observed_signals.includes(signal) ? 'ok' : 'no_data'}
                      />
                      {signal}
                    </span>
                  ))}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
