import { Link } from '@tanstack/react-router';
import { budgetTone, formatBudget } from '../health/health_queries';
import { Meter } from '../platform/page';
import { StatusIcon, StatusMark } from '../platform/status';
import { Time } from '../platform/time';
import { worstBudget, type Workload } from './workload_queries';

const kReasonsShown = 2;

export function WorkloadTable({ workloads }: { workloads: Workload[] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Health</th>
          <th>Workload</th>
          <th className="wide">KPIs</th>
          <th>Error budget</th>
          <th className="wide">On call</th>
          <th className="wide">Last deployment</th>
        </tr>
      </thead>
      <tbody>
        {workloads.map((workload) => (
          <tr key={workload.name}>
            <td>
              <StatusMark state={workload.health} />
            </td>
            <td>
              <Link to="/workloads/$name" params={{ name: workload.name }} className="title-link">
                {workload.display_name || workload.name}
              </Link>
              <span className="sub">
                Tier {workload.tier} · {workload.owner}
              </span>
              {workload.health_reasons.slice(0, kReasonsShown).map((reason) => (
                <span key={reason} className="sub">
                  {reason}
                </span>
              ))}
            </td>
            <td className="wide">
              <KpiCounts workload={workload} />
            </td>
            <td>
              <Budget remaining={worstBudget(workload)} />
            </td>
            <td className="wide">
              {workload.on_call.map((it) => it.display_name || it.person).join(', ') || (
                <span className="dim">nobody</span>
              )}
            </td>
            <td className="wide nowrap">
              {workload.last_deployment ? (
                <>
                  <span className="mono">{workload.last_deployment.version}</span>
                  <span className="sub">
                    <Time at={workload.last_deployment.started_at} />
                  </span>
                </>
              ) : (
                <span className="dim">–</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function KpiCounts({ workload }: { workload: Workload }) {
  const counts = Object.entries(workload.kpis).filter(([, count]) => count > 0);
  if (counts.length === 0) return <span className="dim">none</span>;
  return (
    <span className="row">
      {counts.map(([status, count]) => (
        <span key={status} className="row nowrap">
          <StatusIcon state={status} size={15} /> {count}
        </span>
      ))}
    </span>
  );
}

export function Budget({ remaining }: { remaining: number | null | undefined }) {
  if (remaining === undefined || remaining === null) return <span className="dim">–</span>;
  const text = formatBudget(remaining);
  return (
    <span className="meter-cell">
      <Meter share={remaining} tone={budgetTone(remaining)} label={`Error budget: ${text}`} />
      <span className="nowrap">{text}</span>
    </span>
  );
}
