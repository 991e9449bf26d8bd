// Outcomes at a glance: how each has been, where it stands, what it should be; and when something was changed.
import { Link } from '@tanstack/react-router';
import type { RecentChange } from '../change/change_queries';
import { formatValue } from '../platform/format';
import { StatusIcon } from '../platform/status';
import { Sparkline } from '../telemetry/sparkline';
import { useRange } from '../telemetry/prometheus';
import type { Kpi } from './health_queries';

const kSeconds = 3600;

const tones = { missed: 'bad', at_risk: 'warn', on_target: 'good', no_data: 'mute' } as const;

export function OutcomeList({ kpis, changes }: { kpis: Kpi[]; changes: RecentChange[] }) {
  return (
    <ul className="list">
      {kpis.map((kpi) => (
        <Outcome
          key={kpi.name}
          kpi={kpi}
          changes={changes.filter((it) => it.workload === kpi.workload)}
        />
      ))}
    </ul>
  );
}

function Outcome({ kpi, changes }: { kpi: Kpi; changes: RecentChange[] }) {
  const samples = useRange(kpi.query, kSeconds);
  const sign = kpi.direction === 'higher' ? '≥' : '≤';
  return (
    <li className="outcome">
      <StatusIcon state={kpi.status} />
      <span className="outcome-text">
        <Link to="/workloads/$name" params={{ name: kpi.workload }} className="title-link">
          {kpi.outcome || kpi.description || kpi.name}
        </Link>
        <span className="sub">
          {kpi.workload} · {kpi.name}
        </span>
      </span>
      {samples.data && samples.data.lines.length > 0 && (
        <Sparkline
          range={samples.data.range}
          line={samples.data.lines[0]}
          threshold={kpi.target}
          tone={tones[kpi.status]}
          marks={changes.map((it) => Date.parse(it.at) / 1000)}
        />
      )}
      <span className="outcome-value">
        <span className="strong">{formatValue(kpi.value, kpi.unit)}</span>
        <span className="sub">
          {sign} {formatValue(kpi.target, kpi.unit)}
        </span>
      </span>
    </li>
  );
}
