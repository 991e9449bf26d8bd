// A line as small as a word: its course, the value it is held against, and when something was changed. The figures stand
// beside it as text, so it is hidden from screen readers.
import type { SeriesLine, TimeRange } from './prometheus';

interface SparklineProps {
  range: TimeRange;
  line: SeriesLine | undefined;
  threshold: number;
  tone: 'good' | 'warn' | 'bad' | 'mute';
  /** Unix seconds */
  marks: number[];
}

const kWidth = 160;
const kHeight = 34;
const kInset = 3;

/** The path of the line, with a gap where a sample is missing; "" for none. */
export function sparkPath(
  range: TimeRange,
  points: [number, number][],
  low: number,
  high: number,
): string {
  const x = (at: number) => ((at - range.start) / (range.end - range.start || 1)) * kWidth;
  const y = (value: number) =>
    kHeight - kInset - ((value - low) / (high - low || 1)) * (kHeight - 2 * kInset);
  let before = -Infinity;
  return points
    .filter(([at, value]) => at >= range.start && Number.isFinite(value))
    .map(([at, value]) => {
      const command = at - before > range.step * 1.5 ? 'M' : 'L';
      before = at;
      return `${command}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join('');
}

export function Sparkline({ range, line, threshold, tone, marks }: SparklineProps) {
  const points = (line?.points ?? []).filter(([, value]) => Number.isFinite(value));
  if (points.length === 0) return null;
  const values = [...points.map(([, value]) => value), threshold];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const level = kHeight - kInset - ((threshold - low) / (high - low || 1)) * (kHeight - 2 * kInset);
  return (
    <svg
      className="sparkline"
      data-tone={tone}
      viewBox={`0 0 ${kWidth} ${kHeight}`}
      preserveAspectRatio="none"
      aria-hidden
    >
      {marks
        .filter((at) => at >= range.start && at <= range.end)
        .map((at) => {
          const x = ((at - range.start) / (range.end - range.start || 1)) * kWidth;
          return <line key={at} className="sparkline-mark" x1={x} x2={x} y1="0" y2={kHeight} />;
        })}
      <line className="sparkline-threshold" x1="0" x2={kWidth} y1={level} y2={level} />
      <path className="sparkline-line" d={sparkPath(range, points, low, high)} />
    </svg>
  );
}
