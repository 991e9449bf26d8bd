// What matters now, first: open incidents, people waited for, outcomes at risk. Then how everything is.
import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useAssessment, nextBestStep, rowsOf } from '../assess/assessment_queries';
import { byConcern, useWorkloads } from '../catalog/workload_queries';
import { WorkloadTable } from '../catalog/workload_table';
import { ChangeList } from '../change/change_list';
import { mergeChanges, useChanges, useDeployments, useDora } from '../change/change_queries';
import {
  byRisk,
  formatBudget,
  isBurning,
  isOverspent,
  useKpis,
  useSlos,
} from '../health/health_queries';
import { OutcomeList } from '../health/outcome_list';
import { formatPercent, formatScore, formatValue } from '../platform/format';
import { Figure, Meter, Page, Panel } from '../platform/page';
import { Doubt, Empty, Loaded, Loading } from '../platform/states';
import { StatusIcon, StatusMark } from '../platform/status';
import { formatDuration, Time } from '../platform/time';
import { isWaitingForAPerson, useRuns } from '../procedures/run_queries';
import { IncidentAttention } from '../respond/incident_attention';
import { byUrgency, useIncidents, useOnCall } from '../respond/incident_queries';

export function OverviewPage() {
  return (
    <Page title="Overview">
      <Attention />
      <div className="columns">
        <div>
          <Workloads />
          <Outcomes />
          <RecentChanges />
        </div>
        <div>
          <OnCall />
          <Practice />
          <Delivery />
        </div>
      </div>
    </Page>
  );
}

/** Calm is said only when everything that could disturb it was asked and answered. */
export function Attention() {
  const incidents = useIncidents({ state: 'open' });
  const kpis = useKpis();
  const slos = useSlos();
  const runs = useRuns({});
  const asked: UseQueryResult[] = [incidents, kpis, slos, runs];
  const failed = asked.filter((query) => query.isError);
  const doubtful = failed.find((query) => query.data === undefined) ?? failed[0];
  const pending = asked.some((query) => query.isPending);
  const open = [...(incidents.data?.items ?? [])].sort(byUrgency);
  const waiting = (runs.data?.items ?? []).filter(isWaitingForAPerson);
  // What an open incident is about stands there once, not again as an outcome at risk.
  const explained = new Set(open.map((incident) => incident.kpi).filter(Boolean));
  const alerted = new Set(open.flatMap((it) => it.alerts.map(({ labels }) => labels['slo'])));
  const risky = (kpis.data?.items ?? []).filter(
    (kpi) => (kpi.status === 'missed' || kpi.status === 'at_risk') && !explained.has(kpi.name),
  );
  const spending = (slos.data?.items ?? []).filter(
    (slo) => (isBurning(slo) || isOverspent(slo)) && !alerted.has(slo.name),
  );
  const quiet = open.length + waiting.length + risky.length + spending.length === 0;
  if (quiet && pending && !doubtful) return <Loading rows={2} />;
  return (
    <section className="attention" aria-label="What needs attention">
      {open.map((incident) => (
        <IncidentAttention key={incident.id} incident={incident} />
      ))}
      {waiting.map((run) => (
        <div key={run.id} className="attention-item" data-edge="warn">
          <StatusMark state={run.state} />
          <div className="attention-text">
            <Link to="/runs/$id" params={{ id: run.id }} className="title-link">
              {run.runbook}
            </Link>
            <span className="sub">
              {run.state === 'unknown'
                ? 'A step may or may not have run: say what became of it'
                : 'A step waits for approval'}
              {run.incident ? ` · ${run.incident}` : ''} · started <Time at={run.started_at} />
            </span>
          </div>
          <Link to="/runs/$id" params={{ id: run.id }}>
            Decide
          </Link>
        </div>
      ))}
      {risky.map((kpi) => (
        <div
          key={kpi.name}
          className="attention-item"
          data-edge={kpi.status === 'missed' ? 'bad' : 'warn'}
        >
          <StatusMark state={kpi.status} />
          <div className="attention-text">
            <Link to="/workloads/$name" params={{ name: kpi.workload }} className="title-link">
              {kpi.outcome || kpi.description || kpi.name}
            </Link>
            <span className="sub">
              {kpi.workload} · {kpi.name}
            </span>
          </div>
          <span>
            <span className="strong">{formatValue(kpi.value, kpi.unit)}</span>{' '}
            <span className="dim">
              target {kpi.direction === 'higher' ? '≥' : '≤'} {formatValue(kpi.target, kpi.unit)}
            </span>
          </span>
        </div>
      ))}
      {spending.map((slo) => (
        <div key={slo.name} className="attention-item" data-edge="bad">
          <StatusMark state={isBurning(slo) ? 'burning' : 'exhausted'} />
          <div className="attention-text">
            <Link to="/workloads/$name" params={{ name: slo.workload }} className="title-link">
              {slo.description || slo.name}
            </Link>
            <span className="sub">
              {slo.workload} · {slo.name}
            </span>
          </div>
          <span>
            <span className="dim">error budget</span>{' '}
            <span className="strong">{formatBudget(slo.budget_remaining)}</span>
          </span>
        </div>
      ))}
      {doubtful && <Doubt query={doubtful} />}
      {quiet && !doubtful && (
        <div className="attention-item" data-edge="good">
          <StatusIcon state="healthy" />
          <div className="attention-text">
            <span className="strong">Nothing needs you now</span>
            <span className="sub">
              No open incident, nobody waited for, no outcome known to be at risk.
            </span>
          </div>
        </div>
      )}
    </section>
  );
}

function Workloads() {
  const workloads = useWorkloads();
  return (
    <Panel title="Workloads" flush aside={<Link to="/workloads">All</Link>}>
      <Loaded query={workloads} rows={5}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No workload is declared yet">
              Write one as code and apply it: <code>wellrun init ops</code>,{' '}
              <code>wellrun apply ops</code>
            </Empty>
          ) : (
            <WorkloadTable workloads={[...items].sort(byConcern)} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Outcomes() {
  const kpis = useKpis();
  const changes = useRecentChanges();
  return (
    <Panel title="Outcomes, last hour" flush>
      <Loaded query={kpis} rows={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No outcome is declared yet">
              A Kpi says what success is for the business: an outcome, a query, a target.
            </Empty>
          ) : (
            <OutcomeList
              kpis={[...items].sort(byRisk).slice(0, kRecent)}
              changes={changes.merged}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function OnCall() {
  const onCall = useOnCall();
  return (
    <Panel title="On call" flush>
      <Loaded query={onCall} rows={2}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody is on call">
              Declare a Schedule and an EscalationPolicy, so that alerts reach somebody.
            </Empty>
          ) : (
            <ul className="list">
              {items.map((shift) => (
                <li key={`${shift.schedule} ${shift.person}`} className="list-line">
                  <span>
                    <span className="strong">{shift.display_name || shift.person}</span>
                    <span className="dim small"> · {shift.schedule}</span>
                    {shift.next_person && (
                      <span className="dim small">
                        <br />
                        then {shift.next_person}
                      </span>
                    )}
                  </span>
                  {shift.to && (
                    <span className="dim small nowrap">
                      hands over <Time at={shift.to} />
                    </span>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

const kRecent = 8;

function useRecentChanges() {
  const deployments = useDeployments();
  const changes = useChanges();
  return {
    deployments,
    merged: mergeChanges(deployments.data?.items ?? [], changes.data?.items ?? []),
  };
}

function RecentChanges() {
  const { deployments, merged } = useRecentChanges();
  return (
    <Panel title="Recent changes" flush aside={<Link to="/changes">All</Link>}>
      <Loaded query={deployments} rows={3}>
        {() => <ChangeList changes={merged.slice(0, kRecent)} />}
      </Loaded>
    </Panel>
  );
}

function Practice() {
  const assessment = useAssessment();
  return (
    <Panel title="Practices" aside={<Link to="/assessment">Assessment</Link>}>
      <Loaded query={assessment} rows={3}>
        {(data) => {
          const rows = rowsOf(data);
          const step = nextBestStep(rows);
          const practised = rows.filter((row) => row.verdict === 'practised').length;
          const partly = rows.filter((row) => row.verdict === 'partly').length;
          return (
            <div className="stack">
              <div className="figures">
                <Figure label="score" value={formatScore(data.score, 0)} />
                <Figure label="practised" value={practised} />
                <Figure label="partly" value={partly} />
              </div>
              <Meter
                share={data.score / 100}
                tone="good"
                label={`Score ${formatScore(data.score, 0)}`}
              />
              {step && (
                <div className="next-step">
                  <span className="dim small">Next best step · {step.id}</span>
                  <br />
                  {step.next_step}
                </div>
              )}
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Delivery() {
  const dora = useDora();
  const seconds = (value: number | null) => (value === null ? '–' : formatDuration(value));
  return (
    <Panel title="Delivery, 30 days">
      <Loaded query={dora} rows={2}>
        {(data) => (
          <div className="figures">
            <Figure
              label="deployments a day"
              value={
                data.deployment_frequency_per_day === null
                  ? '–'
                  : data.deployment_frequency_per_day.toFixed(2)
              }
            />
            <Figure label="lead time" value={seconds(data.lead_time_median_s)} />
            <Figure label="change failures" value={formatPercent(data.change_failure_rate, 0)} />
            <Figure label="time to restore" value={seconds(data.time_to_restore_median_s)} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
