import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { formatValue } from '../platform/format';
import type { Band, Marker } from '../telemetry/chart';
import type { SeriesLine, TimeRange } from '../telemetry/prometheus';

export type Forecast = Schemas['Forecast'];
export type ForecastDetail = Schemas['ForecastDetail'];

const kRefreshMs = 60_000; // they are made anew every half hour

/** Of one workload, or of all. */
export function useForecasts(workload?: string) {
  return useQuery({
    queryKey: ['forecasts', workload ?? ''],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/forecasts', { params: { query: { workload } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

export function useForecast(id: string) {
  return useQuery({
    queryKey: ['forecasts', 'one', id],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/forecasts/{id}', { params: { path: { id } }, signal })),
    refetchInterval: kRefreshMs,
  });
}

/** What is to be said first: what warns, what is crossed already, what is well, what is not known. */
export function byConcern(left: Forecast, right: Forecast): number {
  const concern = (it: Forecast) => (it.warns ? 0 : it.beyond ? 1 : it.backtest ? 2 : 3);
  return concern(left) - concern(right) || left.key.localeCompare(right.key);
}

export function stateOf(it: Forecast): string {
  if (it.warns) return 'at_risk';
  if (it.beyond) return 'missed';
  return it.backtest || it.kind === 'certificate' ? 'on_target' : 'no_data';
}

const seconds = (time: string) => Math.round(Date.parse(time) / 1000);

/** History, course and band on one grid; the course begins where the history ends. Null without a course. */
export function forecastChart(forecast: ForecastDetail): {
  range: TimeRange;
  history: SeriesLine;
  band: Band;
} | null {
  const { history, points } = forecast;
  const first = history[0];
  const last = history.at(-1);
  const end = points.at(-1);
  if (!first || !last || !end) return null;
  const start = seconds(first.time);
  const [next = end, after] = points;
  const step = Math.max(
    1,
    after ? seconds(after.time) - seconds(next.time) : seconds(next.time) - seconds(last.time),
  );
  const at = (time: string) => start + Math.round((seconds(time) - start) / step) * step;
  const line = (points: [number, number][]): SeriesLine => ({ labels: {}, points });
  const course = (value: (point: ForecastDetail['points'][number]) => number) =>
    line([
      [at(last.time), last.value],
      ...points.map((it): [number, number] => [at(it.time), value(it)]),
    ]);
  return {
    range: { start, end: at(end.time), step },
    history: line(history.map((it) => [at(it.time), it.value])),
    band: {
      line: 0,
      expected: course((it) => it.expected),
      lower: course((it) => it.lower),
      upper: course((it) => it.upper),
    },
  };
}

/** Where the chart says when the bound is expected to be crossed; how early and how late stands beside it. */
export function crossingMarkers(forecast: Forecast): Marker[] {
  if (!forecast.expected) return [];
  return [{ at: seconds(forecast.expected), text: boundText(forecast), kind: 'foretold' }];
}

/** "target 98 %", "nothing left". */
export function boundText(forecast: Forecast): string {
  return forecast.kind === 'kpi'
    ? `target ${formatValue(forecast.bound, forecast.unit)}`
    : 'nothing left';
}
