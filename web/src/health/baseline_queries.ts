import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import type { Band, Span } from '../telemetry/chart';
import { queryRange, type SeriesLine, type TimeRange } from '../telemetry/prometheus';

export type Baseline = Schemas['Baseline'];
export type BaselineAnomaly = Schemas['BaselineAnomaly'];
export type Finding = Schemas['Finding'];

const kRefreshMs = 15_000;

export function useBaselines(workload?: string, enabled = true) {
  return useQuery({
    queryKey: ['baselines', workload ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/baselines', { params: { query: { workload } }, signal })),
    refetchInterval: kRefreshMs,
    enabled,
  });
}

export function useFindings(workload: string) {
  return useQuery({
    queryKey: ['findings', workload],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/findings', { params: { query: { workload } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

/** What is known of one watched series in a range: its band, and its anomalies. */
export interface Course {
  band: Omit<Band, 'line'> | undefined;
  anomalies: BaselineAnomaly[];
}

const quoted = (text: string) => JSON.stringify(text);

function outputQuery(what: string, { labels }: Pick<Baseline, 'labels'>): string {
  const matchers = Object.entries(labels).map(
    ([name, value]) => `${quoted(name)}=${quoted(value)}`,
  );
  return `{${[what, ...matchers].join(',')}}`;
}

/** Asks for the three lines of a band at once. */
export function bandQuery(baseline: Pick<Baseline, 'labels'>): string {
  return outputQuery('__name__=~"wellrun:baseline:(expected|lower|upper)"', baseline);
}

/** Asks for what was watched. */
export function valueQuery(baseline: Pick<Baseline, 'labels'>): string {
  return outputQuery('__name__="wellrun:baseline:value"', baseline);
}

/** Undefined unless all three lines are there. Lines of series with further labels are not this one's. */
export function toBand(lines: SeriesLine[], baseline: Pick<Baseline, 'labels'>): Course['band'] {
  const size = Object.keys(baseline.labels).length + 1;
  const named = (what: string) =>
    lines.find(
      ({ labels }) =>
        labels['__name__'] === `wellrun:baseline:${what}` && Object.keys(labels).length === size,
    );
  const [expected, lower, upper] = ['expected', 'lower', 'upper'].map(named);
  return expected && lower && upper ? { expected, lower, upper } : undefined;
}

export function useCourses(baselines: Baseline[], range: TimeRange | undefined) {
  const ids = baselines.map(({ id }) => id);
  return useQuery({
    queryKey: ['baselines', 'courses', ids, range],
    queryFn: ({ signal }) =>
      Promise.all(
        baselines.map(async (baseline): Promise<Course> => {
          const [lines, detail] = await Promise.all([
            range ? queryRange(bandQuery(baseline), range, signal) : [],
            answer(
              client.GET('/api/v1/baselines/{id}', {
                params: { path: { id: baseline.id } },
                signal,
              }),
            ),
          ]);
          return { band: toBand(lines, baseline), anomalies: detail.anomalies };
        }),
      ),
    enabled: ids.length > 0 && range !== undefined,
    placeholderData: (before, asked) =>
      JSON.stringify(asked?.queryKey[2]) === JSON.stringify(ids) ? before : undefined,
  });
}

export function toSpan(anomaly: BaselineAnomaly): Span {
  return {
    kind: 'anomaly',
    from: Date.parse(anomaly.from) / 1000,
    to: Date.parse(anomaly.to) / 1000,
    text: anomaly.why,
  };
}

/** The watched series that is this line, as a selector finds it. */
export function baselineOf(line: SeriesLine, baselines: Baseline[]): Baseline | undefined {
  const { __name__: metric = '', ...own } = line.labels;
  return baselines.find((it) => {
    // A counter is watched by its rate: its band is not of the line that a selector draws.
    if (metric === '' || it.metric !== metric || it.nature === 'counter') return false;
    const labels = Object.entries(it.labels).filter(
      ([name]) => name !== 'baseline' && name !== 'metric' && !(name === 'workload' && !own[name]),
    );
    return (
      labels.length === Object.keys(own).length &&
      labels.every(
        ([name, value]) => own[name.replace(/^exported_/, '')] === value || own[name] === value,
      )
    );
  });
}

const kMostBands = 3; // more of them cannot be told apart

/** Which lines of a query's answer are watched, and by what: all of a watch's own query, else those that a selector found. */
export function watchedLines(
  query: string,
  lines: SeriesLine[],
  known: Schemas['BaselineList'] | undefined,
): { line: number; baseline: Baseline }[] {
  const items = known?.items ?? [];
  const watch = known?.watches.find((it) => it.query === query.trim());
  const own = items.filter((it) => it.watch === watch?.key);
  const found = lines.flatMap((it, line) => {
    const baseline = lines.length === 1 && own.length === 1 ? own[0] : baselineOf(it, items);
    return baseline ? [{ line, baseline }] : [];
  });
  return found.slice(0, kMostBands);
}
