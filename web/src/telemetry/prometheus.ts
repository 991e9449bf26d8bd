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

/** A query over the last `seconds`, asked again as time goes on. */
export function useRange(query: string, seconds: number, enabled = true) {
  return useQuery({
    queryKey: ['metrics', 'range', query, seconds],
    queryFn: async ({ signal }): Promise<RangeAnswer> => {
      const range = rangeUntil(Date.now(), seconds);
      return { range, lines: await queryRange(query, range, signal) };
    },
    enabled: enabled && query !== '',
    refetchInterval: Math.min(60_000, Math.max(5_000, (seconds / kPoints) * 1000)),
    placeholderData: (before, asked) => (asked?.queryKey[2] === query ? before : undefined),
  });
}
