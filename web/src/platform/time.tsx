// Times in the reader's zone: relative in the text, absolute in the title.
import { useSyncExternalStore } from 'react';

let now = Date.now();
const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void) {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 5000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** The present, in milliseconds, moving on every five seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** Moments that the server wrote into a text, in the reader's zone: "since 2026-11-24T12:00:00Z" -> "since 13:00". */
export function withLocalTimes(text: string, present = now): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (moment) =>
    formatClock(Date.parse(moment), present),
  );
}

/** 95 -> "1 min 35 s"; at most two units. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const sign = seconds < 0 ? '−' : '';
  let rest = Math.abs(seconds);
  if (rest < 1) return `${sign}${Math.round(rest * 1000)} ms`;
  if (rest < 10 && !Number.isInteger(rest)) return `${sign}${rest.toFixed(1)} s`;
  rest = Math.round(rest);
  const units: [string, number][] = [
    ['d', 86400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return sign + parts.join(' ');
}

export function formatRelative(at: number, present: number): string {
  const seconds = Math.round((at - present) / 1000);
  const size = Math.abs(seconds);
  if (size < 5) return 'just now';
  let text: string;
  if (size < 60) text = `${size} s`;
  else if (size < 3600) text = `${Math.round(size / 60)} min`;
  else if (size < 86400 * 2) text = `${Math.round(size / 3600)} h`;
  else text = `${Math.round(size / 86400)} d`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

const absolute = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'long',
});
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

export function formatAbsolute(at: number): string {
  return absolute.format(at);
}

/** "14:03:20" today, "Mar 3, 14:03" otherwise. */
export function formatClock(at: number, present: number): string {
  const sameDay = new Date(at).toDateString() === new Date(present).toDateString();
  return sameDay ? clock.format(at) : dayAndClock.format(at);
}

export function parseTime(at: string | null | undefined): number | undefined {
  if (!at) return undefined;
  const parsed = Date.parse(at);
  return Number.isNaN(parsed) ? undefined : parsed;
}

const wholeDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** The day that is meant, wherever the reader is: "2026-12-03" or a time on it -> "Dec 3, 2026"; else as it is. */
export function formatDay(day: string): string {
  const at = Date.parse(`${day.slice(0, 10)}T12:00`);
  return Number.isNaN(at) ? day : wholeDay.format(at);
}

interface TimeProps {
  at: string | null | undefined;
  /** "relative": 3 min ago; "clock": 14:03:20 */
  as?: 'relative' | 'clock';
  none?: string;
}

export function Time({ at, as = 'relative', none = '–' }: TimeProps) {
  const present = useNow();
  const parsed = parseTime(at);
  if (parsed === undefined) return <span className="dim">{none}</span>;
  const relative = formatRelative(parsed, present);
  return (
    <time
      dateTime={new Date(parsed).toISOString()}
      title={as === 'clock' ? `${formatAbsolute(parsed)} (${relative})` : formatAbsolute(parsed)}
    >
      {as === 'clock' ? formatClock(parsed, present) : relative}
    </time>
  );
}

/** How long something has lasted, growing while it has no end. */
export function Elapsed({ from, to }: { from: string | null | undefined; to?: string | null }) {
  const present = useNow();
  const start = parseTime(from);
  if (start === undefined) return <span className="dim">–</span>;
  const end = parseTime(to) ?? present;
  return (
    <span title={formatAbsolute(start)}>{formatDuration(Math.max(0, (end - start) / 1000))}</span>
  );
}
