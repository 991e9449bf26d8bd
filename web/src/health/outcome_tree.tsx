// The health tree: outcomes, what leads to them, what was promised, and the metrics that all of it is read from.
import { Link } from '@tanstack/react-router';
import { IconClockExclamation } from '@tabler/icons-react';
import { formatValue } from '../platform/format';
import { Empty } from '../platform/states';
import { StatusIcon } from '../platform/status';
import { formatBudget, isBurning, type Kpi, type Slo } from './health_queries';
import { kpiTree, type Branch } from './kpi_tree';

export function OutcomeTree({ kpis, slos }: { kpis: Kpi[]; slos: Slo[] }) {
  const tree = kpiTree(kpis, slos);
  if (tree.length === 0)
    return <Empty title="No KPIs yet">Write down what reaching an outcome means: a Kpi.</Empty>;
  return (
    <ul className="health-tree">
      {tree.map((branch) => (
        <BranchView key={branch.kpi.name} branch={branch} />
      ))}
    </ul>
  );
}

function BranchView({ branch: { kpi, children, slos } }: { branch: Branch }) {
  const sign = kpi.direction === 'higher' ? '≥' : '≤';
  return (
    <li>
      <div className="health-node">
        <StatusIcon state={kpi.status} />
        <span className="grow">
          <Link to="/workloads/$name" params={{ name: kpi.workload }} className="title-link">
            {kpi.outcome || kpi.description || kpi.name}
          </Link>
          <span className="sub">
            {kpi.name} · {kpi.owner || 'no owner'}
            {kpi.review.overdue && (
              <span className="review-due">
                {' '}
                <IconClockExclamation size={13} aria-hidden /> review overdue
              </span>
            )}
          </span>
        </span>
        <span className="num nowrap">
          <span className="strong">{formatValue(kpi.value, kpi.unit)}</span>
          <span className="sub">
            {sign} {formatValue(kpi.target, kpi.unit)}
          </span>
        </span>
      </div>
      <Signals names={kpi.signals} figure={kpi.operations} window={kpi.window} />
      {(children.length > 0 || slos.length > 0) && (
        <ul>
          {slos.map((slo) => (
            <li key={slo.name}>
              <div className="health-node">
                <StatusIcon state={isBurning(slo) ? 'burning' : slo.status} />
                <span className="grow">
                  <Link to="/slos/$name" params={{ name: slo.name }} className="title-link">
                    {slo.description || slo.name}
                  </Link>
                  <span className="sub">objective · {slo.name}</span>
                </span>
                <span className="num nowrap small">{formatBudget(slo.budget_remaining)}</span>
              </div>
            </li>
          ))}
          {children.map((child) => (
            <BranchView key={child.kpi.name} branch={child} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Signals({ names, figure, window }: { names: string[]; figure: string; window: string }) {
  if (figure !== '')
    return (
      <p className="signals dim small">
        from the journal: {figure} over {window}
      </p>
    );
  if (names.length === 0) return null;
  return (
    <p className="signals small">
      {names.map((name) => (
        <Link key={name} to="/explore" search={{ query: name }} className="tag mono">
          {name}
        </Link>
      ))}
    </p>
  );
}
