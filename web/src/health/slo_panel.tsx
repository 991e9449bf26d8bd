import { Link } from '@tanstack/react-router';
import { formatNumber, formatPercent, words } from '../platform/format';
import { Meter } from '../platform/page';
import { StatusIcon, StatusMark } from '../platform/status';
import { Chart, type Marker, type Span } from '../telemetry/chart';
import { useRange } from '../telemetry/prometheus';
import { BaselineMark } from './baseline_mark';
import { toSpan, useCourses, valueQuery, type Baseline } from './baseline_queries';
import { budgetTone, formatBudget, isBurning, type Slo } from './health_queries';

const kWatchedSeconds = 86400; // further back there may be no watched values yet

export function SloView({
  slo,
  seconds,
  markers,
  baseline,
  incidents = [],
}: {
  slo: Slo;
  seconds: number;
  markers?: Marker[];
  /** what is known of its normal course */
  baseline?: Baseline;
  incidents?: Span[];
}) {
  // The band is of what the server watches, the last five minutes: then the line must be, too.
  const watched = baseline && baseline.phase !== 'learning' && seconds <= kWatchedSeconds;
  const samples = useRange(watched ? valueQuery(baseline) : slo.ratio_query, seconds);
  const course = useCourses(watched ? [baseline] : [], samples.data?.range).data?.[0];
  const remaining = slo.budget_remaining;
  return (
    <div className="stack">
      <div className="kpi-head">
        <div>
          <h3>
            <Link to="/slos/$name" params={{ name: slo.name }} className="title-link">
              {slo.description || slo.name}
            </Link>
          </h3>
          <div className="dim small">
            {slo.name} · {formatPercent(slo.target, 3)} over {slo.window}
          </div>
        </div>
        <div className="num">
          <div className="kpi-value">{formatPercent(slo.sli, 3)}</div>
          <StatusMark state={isBurning(slo) ? 'burning' : slo.status} />
          {baseline && <BaselineMark baseline={baseline} />}
        </div>
      </div>
      <div>
        <Meter
          share={remaining ?? 0}
          tone={budgetTone(remaining)}
          label={`Error budget: ${formatBudget(remaining, 1)}`}
        />
        <span className="small">
          <span className="dim">Error budget:</span>{' '}
          <span className="strong">{formatBudget(remaining, 1)}</span>
        </span>
      </div>
      {samples.data && samples.data.lines.length > 0 && (
        <Chart
          label={`${slo.name}: share of good events, target ${formatPercent(slo.target, 3)}`}
          range={samples.data.range}
          lines={samples.data.lines.map((line) => ({ name: 'good events', line }))}
          unit="ratio"
          height={130}
          legend={false}
          markers={markers}
          bands={course?.band && [{ line: 0, ...course.band }]}
          spans={[...incidents, ...(course?.anomalies.map(toSpan) ?? [])]}
          thresholds={[{ value: slo.target, text: formatPercent(slo.target, 3), tone: 'good' }]}
        />
      )}
      {slo.burn_rates.length > 0 && <BurnRates slo={slo} />}
    </div>
  );
}

export function BurnRates({ slo }: { slo: Slo }) {
  return (
    <div className="panel-flush">
      <table className="table">
        <thead>
          <tr>
            <th>Windows</th>
            <th className="only-wide">Then</th>
            <th className="num">Long</th>
            <th className="num">Short</th>
            <th className="num">Limit</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {slo.burn_rates.map((rate) => (
            <tr key={`${rate.long} ${rate.short}`}>
              <td className="nowrap">
                {rate.long} / {rate.short}
              </td>
              <td className="only-wide">{words(rate.severity)}</td>
              <td className="num">{formatRate(rate.long_rate)}</td>
              <td className="num">{formatRate(rate.short_rate)}</td>
              <td className="num">{formatNumber(rate.threshold)}×</td>
              <td title={rate.held_back}>
                <StatusIcon state={rate.firing ? 'burning' : 'ok'} size={15} />
                {rate.held_back && <span className="dim small"> held back: {rate.held_back}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function formatRate(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? '–' : `${formatNumber(rate)}×`;
}
