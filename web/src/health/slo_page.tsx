// One objective: its budget burning down, what used it up, what that closes, and whether it can be kept at all.
import { getRouteApi, Link } from '@tanstack/react-router';
import { formatNumber, formatPercent } from '../platform/format';
import { Figure, Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { StatusIcon, StatusMark } from '../platform/status';
import { formatDuration, Time } from '../platform/time';
import { Chart } from '../telemetry/chart';
import { formatBudget, isBurning } from './health_queries';
import { BurnRates, formatRate } from './slo_panel';
import {
  burnDownLines,
  incidentSpans,
  stepWords,
  useErrorBudget,
  type ErrorBudget,
} from './slo_queries';

const route = getRouteApi('/slos/$name');

export function SloPage() {
  const { name } = route.useParams();
  const report = useErrorBudget(name);
  const slo = report.data?.items[0];
  return (
    <Page
      title={slo?.description || name}
      after={slo && <StatusMark state={isBurning(slo) ? 'burning' : slo.status} />}
      lead={
        slo && (
          <>
            {name} of{' '}
            <Link to="/workloads/$name" params={{ name: slo.workload }}>
              {slo.workload}
            </Link>
            : {formatPercent(slo.target, 3)} good over {slo.window}
            {slo.rolling ? ', rolling' : ' of the calendar'}, counted in {slo.unit}
          </>
        )
      }
    >
      <Loaded query={report} rows={8}>
        {({ items: [budget] }) => (budget ? <Budget budget={budget} /> : null)}
      </Loaded>
    </Page>
  );
}

function Budget({ budget }: { budget: ErrorBudget }) {
  return (
    <>
      <Panel title="Error budget">
        <div className="figures">
          <Figure label="of the budget" value={formatBudget(budget.budget_remaining, 1)} />
          <Figure label="measured" value={formatPercent(budget.sli, 3)} />
          <Figure
            label={`bad, of ${formatNumber(budget.allowed_bad)} allowed`}
            value={formatNumber(budget.bad)}
          />
          <Figure
            label="until used up, at this pace"
            value={
              typeof budget.exhausted_in_s === 'number'
                ? formatDuration(budget.exhausted_in_s)
                : '–'
            }
          />
        </div>
        <Coverage budget={budget} />
        <BurnDown budget={budget} />
      </Panel>
      {budget.objectives.length > 0 && (
        <Panel title="Its objectives" flush>
          <Objectives budget={budget} />
        </Panel>
      )}
      <div className="columns">
        <div>
          <Panel title="What closes" flush>
            <Steps budget={budget} />
          </Panel>
        </div>
        <div>
          <Panel title="Can it be kept?">
            <Feasible budget={budget} />
          </Panel>
        </div>
      </div>
      {budget.burn_rates.length > 0 && (
        <Panel title="Burn rates" flush>
          <BurnRates slo={budget} />
        </Panel>
      )}
      <Panel title="What happened in this window" flush>
        <Causes budget={budget} />
      </Panel>
    </>
  );
}

/** Less than the whole window, where samples do not reach back so far. */
function Coverage({ budget }: { budget: ErrorBudget }) {
  if (!budget.not_kept && !budget.counted_since) return null;
  return (
    <p className="dim small">
      {budget.counted_since && (
        <>
          Nothing was counted before <Time at={budget.counted_since} />.{' '}
        </>
      )}
      {budget.not_kept && `Measured over less than promised: ${budget.not_kept}.`}
    </p>
  );
}

function BurnDown({ budget }: { budget: ErrorBudget }) {
  const lines = burnDownLines(budget);
  if (!lines) return <Empty title="No burn-down yet">Nothing was measured in this window.</Empty>;
  const incidents = incidentSpans(budget, lines.left.points.at(-1)?.[0] ?? lines.range.end);
  return (
    <Chart
      label={`Burn-down of the error budget of ${budget.name}: ${formatBudget(budget.budget_remaining, 1)}`}
      range={lines.range}
      lines={[
        { name: 'budget left', line: lines.left },
        { name: 'if it lasted exactly to the end', line: lines.even },
      ]}
      unit="ratio"
      height={240}
      spans={incidents}
      thresholds={[
        { value: 0, text: 'used up', tone: 'bad' },
        ...budget.steps
          .filter((it) => it.at < 100)
          .map((it) => ({
            value: 1 - it.at / 100,
            text: `${it.at} % used`,
            tone: 'warn' as const,
          })),
      ]}
    />
  );
}

/** Of a composite: each as it stands by itself, and what it takes of the common budget. */
function Objectives({ budget }: { budget: ErrorBudget }) {
  const longest = budget.burn_rates.at(-1);
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Objective</th>
          <th className="num">Promised</th>
          <th className="num">Measured</th>
          <th className="num">Its own budget</th>
          <th className="num only-wide">Weight</th>
          {longest && <th className="num only-wide">Burns over {longest.long}</th>}
        </tr>
      </thead>
      <tbody>
        {budget.objectives.map((it, index) => (
          <tr key={it.name || index}>
            <td>{it.name || `objective ${index + 1}`}</td>
            <td className="num nowrap">{formatPercent(it.target, 3)}</td>
            <td className="num nowrap">{formatPercent(it.sli, 3)}</td>
            <td className="num nowrap">{formatBudget(it.budget_remaining, 1)}</td>
            <td className="num only-wide">{formatNumber(it.weight)}</td>
            {longest && (
              <td className="num only-wide">{formatRate(longest.objective_rates?.[index])}</td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Steps({ budget }: { budget: ErrorBudget }) {
  if (budget.steps.length === 0) {
    return (
      <Empty title="No policy">
        Nothing closes when this budget is used up: a BudgetPolicy says what does.
      </Empty>
    );
  }
  return (
    <ul className="list">
      {budget.steps.map((step) => (
        <li key={`${step.policy} ${step.at}`} className="list-line">
          <span className="change-line">
            <StatusIcon state={step.reached ? 'missed' : 'pending'} size={16} />
            <span>
              <span className="strong">{step.at} % used</span>:{' '}
              {step.then.map(stepWords).join(', ')}
              <span className="dim small"> · {step.policy}</span>
            </span>
          </span>
          <span className={step.held_back ? 'dim small' : 'dim small nowrap'}>
            {step.reached && step.since ? <Time at={step.since} /> : 'not reached'}
            {step.held_back && `, although so much is used: ${step.held_back}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Feasible({ budget }: { budget: ErrorBudget }) {
  const { feasibility } = budget;
  if (feasibility.dependencies.length === 0)
    return <p className="dim">It depends on no other workload.</p>;
  return (
    <div className="stack">
      <p className="change-line">
        <StatusIcon state={feasibility.possible ? 'met' : 'at_risk'} size={16} />
        <span>
          {feasibility.possible
            ? 'Its dependencies promise enough.'
            : `Its dependencies promise ${formatPercent(feasibility.best, 3)} together, less than ${formatPercent(budget.target, 3)}.`}
        </span>
      </p>
      {feasibility.arithmetic && <p className="mono small">{feasibility.arithmetic}</p>}
      {feasibility.dependencies
        .filter((it) => it.slo === '')
        .map((it) => (
          <p key={it.workload} className="dim small">
            {it.workload} promises nothing.
          </p>
        ))}
    </div>
  );
}

function Causes({ budget }: { budget: ErrorBudget }) {
  const all = [
    ...budget.incidents.map((it) => ({ ...it, kind: 'incident' as const })),
    ...budget.alerts.map((it) => ({ ...it, kind: 'alert' as const })),
  ].toSorted((a, b) => b.from.localeCompare(a.from));
  if (all.length === 0)
    return <Empty title="Nothing happened">No incident and no alert in this window.</Empty>;
  return (
    <ul className="list">
      {all.map((it) => (
        <li key={`${it.kind} ${it.id ?? it.fingerprint} ${it.from}`} className="list-line">
          <span>
            {it.kind === 'incident' ? (
              <Link to="/incidents/$id" params={{ id: it.id ?? '' }} className="title-link">
                {it.id} {it.title}
              </Link>
            ) : (
              <span>
                {it.alert} <span className="dim small">{it.summary}</span>
              </span>
            )}
          </span>
          <span className="dim small nowrap">
            <Time at={it.from} />
            {it.to
              ? ` for ${formatDuration((Date.parse(it.to) - Date.parse(it.from)) / 1000)}`
              : ', still open'}
          </span>
        </li>
      ))}
    </ul>
  );
}
