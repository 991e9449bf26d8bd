// What is unusual in a workload, as one thing to look at: since when, which series, and what may have caused it.
import { StatusIcon } from '../platform/status';
import { Time, withLocalTimes } from '../platform/time';
import type { Finding } from './baseline_queries';

const kShownSeries = 4;

export function FindingList({ findings }: { findings: Finding[] }) {
  return (
    <ul className="list">
      {findings.map((finding) => (
        <li key={finding.id} className="finding">
          <div className="list-line">
            <span>
              <StatusIcon state={finding.state === 'open' ? 'anomalous' : 'resolved'} size={15} />{' '}
              <span className="strong">{finding.id}</span>{' '}
              <span className="dim">
                {finding.anomaly_count === 1 ? '1 series' : `${finding.anomaly_count} series`}
                {finding.state === 'closed' && `, ${finding.closed_because}`}
              </span>
            </span>
            <Time at={finding.since} />
          </div>
          {finding.state === 'open' && <Reasons finding={finding} />}
        </li>
      ))}
    </ul>
  );
}

function Reasons({ finding }: { finding: Finding }) {
  return (
    <div className="small stack">
      {finding.causes.length > 0 && (
        <ol className="causes" aria-label="Likely causes, likeliest first">
          {finding.causes.map((cause) => (
            <li key={`${cause.kind} ${cause.name}`}>
              <span className="strong">{cause.name}</span>{' '}
              <span className="dim">
                {cause.kind}: {cause.why}
              </span>
            </li>
          ))}
        </ol>
      )}
      <ul className="causes" aria-label="Unusual series">
        {finding.anomalies.slice(0, kShownSeries).map((anomaly) => (
          <li key={anomaly.baseline}>
            <span className="mono">{anomaly.watch}</span>{' '}
            <span className="dim">
              {anomaly.component && `${anomaly.component}: `}
              {withLocalTimes(anomaly.why)}
            </span>
          </li>
        ))}
        {finding.anomaly_count > kShownSeries && (
          <li className="dim">and {finding.anomaly_count - kShownSeries} more</li>
        )}
      </ul>
    </div>
  );
}
