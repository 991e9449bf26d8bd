// Prometheus' query API as the page uses it: matrices for charts, vectors for tables.
import { useQuery } from '@tanstack/react-query';
import { answer, ApiError, client } from '../platform/api';

export interface SeriesLine {
  labels: Record<string, string>;
  /** [Unix seconds, value]; sorted by time */
  points: [number, number][];
}

export interface TimeRange {
  /** Unix seconds */
  start: number;
  end: number;
  step: number;
}

export const ranges = ['15m', '1h', '6h', '24h', '7d'] as const;

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** "6h" -> 21600; undefined for anything else. */
export function parseRange(text: string | undefined): number | undefined {
  const match = /^(\d{1,5})([smhdw])$/.exec(text ?? '');
  if (!match?.[1] || !match[2]) return undefined;
  return Number(match[1]) * (unitSeconds[match[2]] ?? 0) || undefined;
}

const kPoints = 240;

/** The range that ends now, in about 240 steps aligned to the step so that a redraw does not jitter. */
export function rangeUntil(nowMs: number, seconds: number): TimeRange {
  const step = Math.max(1, Math.round(seconds / kPoints));
  const end = Math.ceil(nowMs / 1000 / step) * step;
  return { start: end - Math.ceil(seconds / step) * step, end, step };
}

interface RawSeries {
  metric: Record<string, string>;
  values?: [number, string][];
  value?: [number, string];
}

type RawData = { resultType: string; result: RawSeries[] | [number, string] };

/** "NaN", "+Inf" and numbers. */
export function parseSample(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

export function toLines(data: unknown): SeriesLine[] {
  const { resultType, result } = data as RawData;
  if (resultType === 'scalar') {
    const [at, value] = result as [number, string];
    return [{ labels: {}, points: [[at, parseSample(value)]] }];
  }
  if (resultType === 'string') return [];
  return (result as RawSeries[]).map((series) => ({
    labels: series.metric,
    points: (series.values ?? (series.value ? [series.value] : [])).map(([at, value]) => [
      at,
      parseSample(value),
    ]),
  }));
}

/** {__name__="up", job="shop"} -> up{job="shop"} */
export function formatLabels(labels: Record<string, string>): string {
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name || '{}' : `${name}{${pairs.join(', ')}}`;
}

export async function queryRange(
  query: string,
  range: TimeRange,
  signal: AbortSignal,
): Promise<SeriesLine[]> {
  const envelope = await answer(
    client.GET('/api/v1/query_range', {
      params: {
        query: {
          query,
          start: String(range.start),
          end: String(range.end),
          step: String(range.step),
        },
      },
      signal,
    }),
  );
  if (envelope.status !== 'success') {
    throw new ApiError(400, envelope.errorType ?? 'error', envelope.error ?? '');
  }
  return toLines(envelope.data);
}

export async function queryInstant(query: string, signal: AbortSignal): Promise<SeriesLine[]> {
  const envelope = await answer(
    client.GET('/api/v1/query', { params: { query: { query } }, signal }),
  );
  if (envelope.status !== 'success') {
    throw new ApiError(400, envelope.errorType ?? 'error', envelope.error ?? '');
  }
  return toLines(envelope.data);
}

export interface RangeAnswer {
  range: TimeRange;
  lines: SeriesLine[];
}

/**
 * The part of the range that has something to show. A workload that began a minute ago would else be a stub at the right
 * edge of an empty hour; what is at least half full stays as it was asked for, so that ranges can be compared.
 */
export function filledRange(range: TimeRange, lines: SeriesLine[]): TimeRange {
  const first = Math.min(...lines.map((line) => line.points[0]?.[0] ?? Infinity));
  const middle = range.start + (range.end - range.start) / 2;
  if (!Number.isFinite(first) || first <= middle) return range;
  const room = Math.max(range.step * 5, (range.end - first) * 0.1);
  const start = range.start + Math.floor((first - room - range.start) / range.step) * range.step;
  return { ...range, start: Math.max(range.start, start) };
}

/**
 * A query over a range; of one that is mostly empty, only the part with data, asked again in finer steps: a workload that
 * began a minute ago is not four points.
 */
async function queryFilled(
  query: string,
  seconds: number,
  signal: AbortSignal,
): Promise<RangeAnswer> {
  const range = rangeUntil(Date.now(), seconds);
  const lines = await queryRange(query, range, signal);
  const filled = filledRange(range, lines);
  if (filled.start === range.start || range.step === 1) return { range: filled, lines };
  const finer = rangeUntil(range.end * 1000, range.end - filled.start);
  return { range: finer, lines: await queryRange(query, finer, signal) };
}

/** A query over the last `seconds`, asked again as time goes on. */
export function useRange(query: string, seconds: number, enabled = true) {
  return useQuery({
    queryKey: ['metrics', 'range', query, seconds],
    queryFn: ({ signal }) => queryFilled(query, seconds, signal),
    enabled: enabled && query !== '',
    refetchInterval: Math.min(60_000, Math.max(5_000, (seconds / kPoints) * 1000)),
    placeholderData: (before, asked) => (asked?.queryKey[2] === query ? before : undefined),
  });
}
