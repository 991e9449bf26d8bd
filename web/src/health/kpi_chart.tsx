import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { client } from '../platform/api';
import { formatValue, splitValue } from '../platform/format';
import { Failure, Loading } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Chart, type Marker, type Span } from '../telemetry/chart';
import { formatLabels, useRange } from '../telemetry/prometheus';
import { BaselineMark } from './baseline_mark';
import { toSpan, useCourses, type Baseline } from './baseline_queries';
import type { Kpi } from './health_queries';

/** Says that somebody looks at it, once as it opens. The server keeps one a day; a failure matters to nobody. */
function useView(name: string) {
  useEffect(() => {
    void client.POST('/api/v1/kpis/{name}/view', { params: { path: { name } } }).catch(() => {});
  }, [name]);
}

/** A KPI: its outcome, its value against the target, and how it came to be so. */
export function KpiChart({
  kpi,
  seconds,
  markers,
  baseline,
  incidents = [],
}: {
  kpi: Kpi;
  seconds: number;
  markers?: Marker[];
  /** what is known of its normal course */
  baseline?: Baseline;
  incidents?: Span[];
}) {
  useView(kpi.name);
  const samples = useRange(kpi.query, seconds);
  const courses = useCourses(baseline ? [baseline] : [], samples.data?.range);
  const course = courses.data?.[0];
  const sign = kpi.direction === 'higher' ? '≥' : '≤';
  const [number, unit] = splitValue(kpi.value, kpi.unit);
  return (
    <div>
      <div className="kpi-head">
        <div>
          <h3>{kpi.outcome || kpi.description || kpi.name}</h3>
          <div className="dim small">
            <Link to="/explore" search={{ query: kpi.query }}>
              {kpi.name}
            </Link>{' '}
            · target {sign} {formatValue(kpi.target, kpi.unit)}
          </div>
        </div>
        <div className="num">
          <div className="kpi-value nowrap">
            {number} {unit && <span className="kpi-unit">{unit}</span>}
          </div>
          <StatusMark state={kpi.status} />
          {baseline && <BaselineMark baseline={baseline} />}
        </div>
      </div>
      {samples.error && !samples.data && (
        <Failure error={samples.error} retry={() => void samples.refetch()} />
      )}
      {samples.isPending && <Loading rows={4} />}
      {samples.data &&
        (samples.data.lines.length === 0 ? (
          <p className="dim">
            No data in this time. Does the workload send telemetry, and does the query name it?
          </p>
        ) : (
          <Chart
            label={`${kpi.name}: now ${formatValue(kpi.value, kpi.unit)}, target ${sign} ${formatValue(kpi.target, kpi.unit)}`}
            range={samples.data.range}
            lines={samples.data.lines.map((line) => ({ name: formatLabels(line.labels), line }))}
            unit={kpi.unit}
            markers={markers}
            bands={course?.band && [{ line: 0, ...course.band }]}
            spans={[...incidents, ...(course?.anomalies.map(toSpan) ?? [])]}
            thresholds={[
              {
                value: kpi.target,
                text: `target ${formatValue(kpi.target, kpi.unit)}`,
                tone: 'good',
              },
              ...(kpi.at_risk !== null && kpi.at_risk !== undefined
                ? [{ value: kpi.at_risk, text: 'at risk', tone: 'warn' as const }]
                : []),
            ]}
          />
        ))}
    </div>
  );
}
