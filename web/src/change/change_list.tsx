import { IconAdjustments, IconFlag, IconRocket, IconServerCog } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { formatActor } from '../platform/format';
import { Empty } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Time } from '../platform/time';
import type { RecentChange } from './change_queries';

const icons = {
  deployment: IconRocket,
  flag: IconFlag,
  config: IconAdjustments,
  infrastructure: IconServerCog,
};

export function ChangeList({ changes }: { changes: RecentChange[] }) {
  if (changes.length === 0) {
    return (
      <Empty title="No change is recorded yet">
        Record deployments from your pipeline: <code>POST /api/v1/deployments</code>, CDEvents, or{' '}
        <code>wellrun deploy record</code>
      </Empty>
    );
  }
  return (
    <ul className="list">
      {changes.map((change) => {
        const Icon = icons[change.kind];
        return (
          <li key={change.id} className="list-line">
            <span className="change-line">
              <Icon size={16} stroke={1.8} role="img" aria-label={change.kind} />
              <span>
                {change.workload && (
                  <Link
                    to="/workloads/$name"
                    params={{ name: change.workload }}
                    className="title-link"
                  >
                    {change.component || change.workload}
                  </Link>
                )}{' '}
                <span className={change.kind === 'deployment' ? 'mono' : undefined}>
                  {change.what}
                </span>
                <span className="dim small">
                  {change.environment && ` · ${change.environment}`}
                  {change.by && ` · ${formatActor(change.by)}`}
                </span>
              </span>
            </span>
            <span className="row nowrap">
              {change.state && <StatusMark state={change.state} bare />}
              <span className="dim small">
                <Time at={change.at} />
              </span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
