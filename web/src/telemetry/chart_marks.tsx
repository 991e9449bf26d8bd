// What stands on a chart's time axis, as text: changes, anomalies and incidents, each a button, so that what a pointer finds
// on the chart is found by keyboard and read aloud, too.
import { IconActivityHeartbeat, IconGitCommit, IconUrgent } from '@tabler/icons-react';
import { useState } from 'react';
import { withLocalTimes } from '../platform/time';
import type { Marker, Span } from './chart';
import type { TimeRange } from './prometheus';

const kMostMarks = 8; // the newest; the chart shows all

export interface Mark {
  kind: Span['kind'] | 'change';
  from: number;
  to: number;
  text: string;
}

/** All marks that touch the range, oldest first. */
export function marksIn(range: TimeRange, spans: Span[], markers: Marker[]): Mark[] {
  return [
    ...spans,
    ...markers.map(({ at, text }) => ({ kind: 'change' as const, from: at, to: at, text })),
  ]
    .filter(({ from, to }) => to >= range.start && from <= range.end)
    .sort((left, right) => left.from - right.from);
}

/** The mark that a pointer at `time` is on: the shortest that holds it, or an instant within `near` seconds. */
export function markAt(marks: Mark[], time: number, near: number): Mark | undefined {
  return marks
    .filter(({ from, to }) => time >= from - near && time <= to + near)
    .sort((left, right) => left.to - left.from - (right.to - right.from))[0];
}

const icons = { anomaly: IconActivityHeartbeat, incident: IconUrgent, change: IconGitCommit };
const names = { anomaly: 'Unusual', incident: 'Incident', change: 'Change' };
const sameDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const otherDay = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

function formatMarkTime(seconds: number, range: TimeRange): string {
  const format = range.end - range.start > 86400 ? otherDay : sameDay;
  return format.format(new Date(seconds * 1000));
}

export function ChartMarks({
  range,
  spans,
  markers,
  cursorTime,
  onPoint,
}: {
  range: TimeRange;
  spans: Span[];
  markers: Marker[];
  /** where the pointer is on the chart */
  cursorTime: number | null;
  /** a mark was chosen, or none any more */
  onPoint: (at: number | null) => void;
}) {
  const [chosen, setChosen] = useState<string | null>(null);
  const marks = marksIn(range, spans, markers);
  if (marks.length === 0) return null;
  const keyOf = (mark: Mark) => `${mark.kind} ${mark.from} ${mark.text}`;
  const said =
    marks.find((mark) => keyOf(mark) === chosen) ??
    (cursorTime === null ? undefined : markAt(marks, cursorTime, range.step * 2)) ??
    marks.findLast(({ kind }) => kind === 'anomaly') ??
    marks.at(-1);
  const choose = (mark: Mark | null) => {
    setChosen(mark && keyOf(mark));
    onPoint(mark && Math.min(range.end, Math.max(range.start, mark.from)));
  };
  return (
    <div className="chart-marks">
      <ul aria-label="On this chart">
        {marks.slice(-kMostMarks).map((mark) => {
          const Icon = icons[mark.kind];
          return (
            <li key={keyOf(mark)}>
              <button
                type="button"
                className={`chart-mark ${mark.kind}`}
                aria-pressed={said === mark}
                aria-label={`${names[mark.kind]} at ${formatMarkTime(mark.from, range)}: ${withLocalTimes(mark.text)}`}
                onFocus={() => choose(mark)}
                onBlur={() => choose(null)}
                onMouseEnter={() => choose(mark)}
                onMouseLeave={() => choose(null)}
              >
                <Icon size={13} aria-hidden />
                {formatMarkTime(mark.from, range)}
              </button>
            </li>
          );
        })}
      </ul>
      {said && (
        <p className="chart-note">
          <span className="strong">{names[said.kind]}</span> {withLocalTimes(said.text)}
        </p>
      )}
    </div>
  );
}
