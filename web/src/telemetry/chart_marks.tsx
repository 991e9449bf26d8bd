// What stands on a chart's time axis, as text: changes, anomalies and incidents, each a button, so that what a pointer finds
// on the chart is found by keyboard and read aloud, too.
import {
  IconActivityHeartbeat,
  IconGitCommit,
  IconHourglass,
  IconUrgent,
} from '@tabler/icons-react';
import { useState } from 'react';
import { withLocalTimes } from '../platform/time';
import type { Marker, Span } from './chart';
import type { TimeRange } from './prometheus';

const kMostMarks = 8; // the newest times; the chart shows all

export interface Mark {
  kind: Span['kind'] | 'change' | 'foretold';
  from: number;
  to: number;
  text: string;
}

/** All marks that touch the range, oldest first. */
export function marksIn(range: TimeRange, spans: Span[], markers: Marker[]): Mark[] {
  return [
    ...spans,
    ...markers.map(({ at, text, kind = 'change' as const }) => ({ kind, from: at, to: at, text })),
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

/** What happened of one kind within one time as it is written: one button, however many they are. */
export interface MarkGroup {
  kind: Mark['kind'];
  time: string;
  marks: Mark[];
}

/** `marks`: oldest first; so are the groups. */
export function groupMarks(marks: Mark[], range: TimeRange): MarkGroup[] {
  const groups: MarkGroup[] = [];
  for (const mark of marks) {
    const time = formatMarkTime(mark.from, range);
    const known = groups.find((it) => it.kind === mark.kind && it.time === time);
    if (known) known.marks.push(mark);
    else groups.push({ kind: mark.kind, time, marks: [mark] });
  }
  return groups;
}

const icons = {
  anomaly: IconActivityHeartbeat,
  incident: IconUrgent,
  change: IconGitCommit,
  foretold: IconHourglass,
};
const names = {
  anomaly: 'Unusual',
  incident: 'Incident',
  change: 'Change',
  foretold: 'Foretold',
};
const plurals = {
  anomaly: 'unusual',
  incident: 'incidents',
  change: 'changes',
  foretold: 'foretold',
};
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
  const groups = groupMarks(marks, range);
  const keyOf = ({ kind, time }: MarkGroup) => `${kind} ${time}`;
  const pointed = cursorTime === null ? undefined : markAt(marks, cursorTime, range.step * 2);
  const said =
    groups.find((group) => keyOf(group) === chosen) ??
    groups.find((group) => pointed && group.marks.includes(pointed)) ??
    groups.findLast(({ kind }) => kind === 'anomaly') ??
    groups.at(-1);
  const choose = (group: MarkGroup | null) => {
    setChosen(group && keyOf(group));
    const at = group?.marks[0]?.from ?? null;
    onPoint(at && Math.min(range.end, Math.max(range.start, at)));
  };
  return (
    <div className="chart-marks">
      <ul aria-label="On this chart">
        {groups.slice(-kMostMarks).map((group) => {
          const Icon = icons[group.kind];
          return (
            <li key={keyOf(group)}>
              <button
                type="button"
                className={`chart-mark ${group.kind}`}
                aria-pressed={said === group}
                aria-label={`${titleOf(group)} at ${group.time}: ${textOf(group)}`}
                onFocus={() => choose(group)}
                onBlur={() => choose(null)}
                onMouseEnter={() => choose(group)}
                onMouseLeave={() => choose(null)}
              >
                <Icon size={13} aria-hidden />
                {group.time}
                {group.marks.length > 1 && ` ×${group.marks.length}`}
              </button>
            </li>
          );
        })}
      </ul>
      {said && (
        <p className="chart-note">
          <span className="strong">{titleOf(said)}</span> {textOf(said)}
        </p>
      )}
    </div>
  );
}

/** "Change", "3 changes". */
function titleOf({ kind, marks }: MarkGroup): string {
  return marks.length === 1 ? names[kind] : `${marks.length} ${plurals[kind]}`;
}

function textOf({ marks }: MarkGroup): string {
  return marks.map((mark) => withLocalTimes(mark.text)).join('; ');
}
