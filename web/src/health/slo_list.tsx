// Every objective and what is left of its budget, the most used first.
import { Link } from '@tanstack/react-router';
import { formatPercent } from '../platform/format';
import { Meter } from '../platform/page';
import { Empty } from '../platform/states';
import { StatusIcon, StatusMark } from '../platform/status';
import { budgetTone, formatBudget, isBurning, type Slo } from './health_queries';

export function SloList({ slos }: { slos: Slo[] }) {
  if (slos.length === 0) {
    return (
      <Empty title="Nothing is promised yet">
        Write an Slo, or put OpenSLO documents beside your resources, and apply them.
      </Empty>
    );
  }
  const used = (slo: Slo) => slo.budget_remaining ?? 2;
  const sorted = slos.toSorted((a, b) => used(a) - used(b) || a.name.localeCompare(b.name));
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Objective</th>
          <th className="num only-wide">Promised</th>
          <th className="num">Measured</th>
          <th className="only-wide">Over</th>
          <th>Error budget</th>
          <th className="only-wide">State</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((slo) => (
          <tr key={slo.name}>
            <td>
              <span className="only-narrow">
                <StatusIcon state={isBurning(slo) ? 'burning' : slo.status} size={15} />
              </span>{' '}
              <Link to="/slos/$name" params={{ name: slo.name }} className="title-link">
                {slo.description || slo.name}
              </Link>
              <div className="sub">
                {slo.workload} · {slo.indicator} · {slo.unit}
              </div>
            </td>
            <td className="num nowrap only-wide">{formatPercent(slo.target, 3)}</td>
            <td className="num nowrap">{formatPercent(slo.sli, 3)}</td>
            <td className="only-wide nowrap">
              {slo.window}
              {slo.rolling ? '' : ' of the calendar'}
            </td>
            <td>
              <span className="meter-cell">
                <Meter
                  share={slo.budget_remaining ?? 0}
                  tone={budgetTone(slo.budget_remaining)}
                  label={`Error budget of ${slo.name}: ${formatBudget(slo.budget_remaining, 1)}`}
                />
                <span className="small">{formatBudget(slo.budget_remaining, 1)}</span>
              </span>
            </td>
            <td className="only-wide">
              <StatusMark state={isBurning(slo) ? 'burning' : slo.status} bare />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
