// A time chart: lines, thresholds, and markers where something was changed. uPlot draws; the legend below is ours, so
// that the values under the cursor are text.
import 'uplot/dist/uPlot.min.css';

import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { formatAxis, formatValue } from '../platform/format';
import { ChartMarks } from './chart_marks';
import type { SeriesLine, TimeRange } from './prometheus';

export interface Marker {
  /** Unix seconds */
  at: number;
  text: string;
  /** what it is, unless a change: something that is foretold for then */
  kind?: 'foretold';
}

/** A stretch of time in which something was so: an anomaly, an incident. */
export interface Span {
  /** Unix seconds */
  from: number;
  to: number;
  kind: 'anomaly' | 'incident';
  /** in words: what the note says */
  text: string;
}

/** Where a line's values were expected. */
export interface Band {
  /** index of the line it belongs to */
  line: number;
  expected: SeriesLine;
  lower: SeriesLine;
  upper: SeriesLine;
}

export interface Threshold {
  value: number;
  text: string;
  tone: 'good' | 'warn' | 'bad';
}

interface ChartProps {
  label: string;
  range: TimeRange;
  lines: { name: string; line: SeriesLine }[];
  unit?: string;
  markers?: Marker[];
  thresholds?: Threshold[];
  bands?: Band[];
  spans?: Span[];
  height?: number;
  legend?: boolean;
}

// Told apart by people with any kind of colour vision (Okabe and Ito), darkened for a light ground.
const palettes = {
  light: ['#0f766e', '#c2410c', '#2563c9', '#9d3a86', '#8a6d00', '#3f7fb0', '#4b5563', '#a1303f'],
  dark: ['#4fd1c2', '#fb9a5b', '#84b3ff', '#e79bd4', '#e7cf5a', '#8fcdf5', '#b6c0cb', '#f5929c'],
};
const toneColors = {
  light: {
    good: '#14703f',
    warn: '#b86a00',
    bad: '#c02a20',
    text: '#566273',
    grid: '#eaedf1',
    ground: '#ffffff',
  },
  dark: {
    good: '#74d7a0',
    warn: '#f3bd57',
    bad: '#ff958b',
    text: '#9aa7b5',
    grid: '#212a34',
    ground: '#141a21',
  },
};

/** All lines on one time axis; a line without a sample at a time has a gap there. */
export function alignLines(range: TimeRange, lines: SeriesLine[]): uPlot.AlignedData {
  const times: number[] = [];
  for (let at = range.start; at <= range.end; at += range.step) times.push(at);
  const indexes = new Map(times.map((at, index) => [at, index]));
  const columns = lines.map((line) => {
    const column: (number | null)[] = Array.from({ length: times.length }, () => null);
    for (const [at, value] of line.points) {
      const index = indexes.get(at);
      if (index !== undefined && Number.isFinite(value)) column[index] = value;
    }
    return column;
  });
  return [times, ...columns];
}

export function Chart({
  label,
  range,
  lines,
  unit = '',
  markers = [],
  thresholds = [],
  bands = [],
  spans = [],
  height = 170,
  legend = lines.length > 1,
}: ChartProps) {
  const scheme = useComputedColorScheme('light');
  const host = useRef<HTMLDivElement>(null);
  const shown = useRef<uPlot>(undefined);
  const [cursor, setCursor] = useState<number | null>(null);
  const data = alignLines(range, [
    ...lines.map(({ line }) => line),
    ...bands.flatMap(({ lower, upper, expected }) => [lower, upper, expected]),
  ]);
  const bandLines = bands.map(({ line }) => line);
  const palette = palettes[scheme];
  const color = (index: number) => palette[index % palette.length] ?? '#888888';
  const drawing = JSON.stringify([data, markers, thresholds, spans, bandLines]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const tones = toneColors[scheme];
    const axis = {
      stroke: tones.text,
      grid: { stroke: tones.grid, width: 1 },
      ticks: { show: false },
      font: '11px Inter, system-ui, sans-serif',
    };
    const [data, markers, thresholds, spans, bandLines] = JSON.parse(drawing) as [
      uPlot.AlignedData,
      Marker[],
      Threshold[],
      Span[],
      number[],
    ];
    const lineCount = data.length - 1 - bandLines.length * kBandColumns;
    const colorOf = (line: number) => palettes[scheme][line % palettes[scheme].length] ?? '#888888';
    const drawn = data.slice(1, lineCount + 1).flatMap((column) => extremes(column));
    const known = thresholds.map(({ value }) => value);
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: {
          y: {
            range: (_plot, low, high) => {
              const [bottom, top] = withoutFarBands(low ?? 0, high ?? 1, drawn);
              const least = Math.min(bottom, ...known);
              const most = Math.max(top, ...known);
              const room = (most - least || Math.abs(most) || 1) * 0.08;
              return [least >= 0 ? Math.max(0, least - room) : least - room, most + room];
            },
          },
        },
        axes: [
          {
            ...axis,
            space: 70,
            size: 26,
            values: (_plot, splits, _axis, _space, step) =>
              splits.map((split) => formatTick(split, step)),
          },
          {
            ...axis,
            size: 64,
            space: 34,
            values: (_plot, splits) => splits.map((split) => formatAxis(split, unit)),
          },
        ],
        series: [
          {},
          ...data.slice(1, lineCount + 1).map((_, index) => ({
            stroke: colorOf(index),
            width: 1.6,
            points: { show: false },
            spanGaps: false,
          })),
          ...bandLines.flatMap((line) => bandSeries(colorOf(line))),
        ],
        bands: bandLines.map((line, index) => {
          const lower = lineCount + 1 + index * kBandColumns;
          return { series: [lower + 1, lower], fill: `${colorOf(line)}26` };
        }),
        hooks: {
          setCursor: [(it) => setCursor(it.cursor.idx ?? null)],
          drawClear: [(it) => drawSpans(it, spans, tones)],
          draw: [
            (it) => {
              drawThresholds(it, thresholds, tones);
              drawMarkers(it, markers, tones);
            },
          ],
        },
      },
      data,
      element,
    );
    shown.current = plot;
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      shown.current = undefined;
      plot.destroy();
    };
  }, [drawing, height, scheme, unit]);

  const valueAt = (column: (number | null | undefined)[]) => {
    if (cursor !== null) return column[cursor];
    return column.findLast((value) => value !== null);
  };
  const band = bands[0];
  const bandAt = (column: number) =>
    formatValue(valueAt((data[lines.length + 1 + column] ?? []) as (number | null)[]), unit);
  /** Puts the chart's cursor where a mark is: what it is about is seen by those who go by keyboard, too. */
  const point = (at: number | null) => {
    const plot = shown.current;
    if (!plot) return;
    plot.setCursor({ left: at === null ? -10 : plot.valToPos(at, 'x'), top: 10 });
  };
  const cursorTime = cursor === null ? null : (data[0][cursor] ?? null);
  return (
    <div>
      <div ref={host} className="chart" role="img" aria-label={label} />
      {legend && (
        <div className="chart-legend">
          {lines.map(({ name }, index) => (
            <span key={name}>
              <svg className="swatch" viewBox="0 0 10 3" aria-hidden>
                <rect width="10" height="3" fill={color(index)} />
              </svg>
              {name}
              <span className="value">
                {formatValue(valueAt((data[index + 1] ?? []) as (number | null)[]), unit)}
              </span>
            </span>
          ))}
        </div>
      )}
      {band && bands.length === 1 && (
        <div className="chart-legend">
          <span>
            <svg className="swatch-band" viewBox="0 0 10 8" aria-hidden>
              <rect width="10" height="8" fill={color(band.line)} opacity="0.2" />
              <line x1="0" y1="4" x2="10" y2="4" stroke={color(band.line)} strokeDasharray="3 2" />
            </svg>
            expected
            <span className="value">
              {bandAt(2)} ({bandAt(0)} – {bandAt(1)})
            </span>
          </span>
        </div>
      )}
      <ChartMarks
        range={range}
        spans={spans}
        markers={markers}
        cursorTime={cursorTime}
        onPoint={point}
      />
    </div>
  );
}

const kBandColumns = 3; // of the data, for each band: lower, upper, expected

/** The least and the greatest of a line's values; none of an empty one. */
function extremes(column: uPlot.AlignedData[number] | undefined): number[] {
  const values = Array.from(column ?? []).filter((value) => value !== null && value !== undefined);
  return values.length === 0 ? [] : [Math.min(...values), Math.max(...values)];
}

/** After something unusual a band is wide: it must not make the values themselves a flat line. */
export function withoutFarBands(low: number, high: number, drawn: number[]): [number, number] {
  if (drawn.length === 0) return [low, high];
  const least = Math.min(...drawn);
  const most = Math.max(...drawn);
  const room = (most - least || Math.abs(most) || 1) * 0.5;
  return [Math.max(low, least - room), Math.min(high, most + room)];
}

/** The edges are not drawn, only filled between; the expected value is a thin dashed line. */
function bandSeries(color: string): uPlot.Series[] {
  const edge: uPlot.Series = { width: 0, points: { show: false }, spanGaps: false };
  return [edge, edge, { ...edge, stroke: `${color}b0`, width: 1, dash: [4, 3] }];
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const clockWithSeconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** The time on the axis: the day where days are what differs. */
function formatTick(seconds: number, step: number): string {
  const date = new Date(seconds * 1000);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (step >= 86400 || (midnight && step >= 60)) return day.format(date);
  return step < 60 ? clockWithSeconds.format(date) : clock.format(date);
}

/** Text that a line behind it does not strike through. */
function write(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  { ground }: { ground: string },
) {
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineJoin = 'round';
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.strokeStyle = ground;
  ctx.strokeText(text, x, y);
  ctx.restore();
  ctx.fillText(text, x, y);
}

function drawThresholds(
  plot: uPlot,
  thresholds: Threshold[],
  colors: Record<Threshold['tone'] | 'ground', string>,
) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `${11 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  for (const [index, { value, text, tone }] of thresholds.entries()) {
    const y = Math.round(plot.valToPos(value, 'y', true));
    ctx.strokeStyle = ctx.fillStyle = colors[tone];
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    // Two texts at one end would cover each other: they take turns.
    const right = index % 2 === 0;
    ctx.textAlign = right ? 'right' : 'left';
    const inset = 3 * devicePixelRatio;
    const x = right ? bbox.left + bbox.width - inset : bbox.left + inset;
    const below = y - bbox.top < 14 * devicePixelRatio;
    write(ctx, text, x, below ? y + 12 * devicePixelRatio : y - 4 * devicePixelRatio, colors);
  }
  ctx.restore();
}

const kSpanLine = 3; // height of the line that says where a span is

/** Behind the lines: a light ground, and a line at the edge: anomalies below, incidents above. */
function drawSpans(plot: uPlot, spans: Span[], colors: { warn: string; bad: string }) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { from, to, kind } of spans) {
    const right = bbox.left + bbox.width;
    const [left, end] = [from, to].map((at) => Math.round(plot.valToPos(at, 'x', true)));
    if (left === undefined || end === undefined || left > right || end < bbox.left) continue;
    const start = Math.max(bbox.left, left);
    const width = Math.max(2 * devicePixelRatio, Math.min(right, end) - start);
    ctx.fillStyle = kind === 'incident' ? colors.bad : colors.warn;
    ctx.globalAlpha = kind === 'incident' ? 0.06 : 0.13;
    ctx.fillRect(start, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    const thick = kSpanLine * devicePixelRatio;
    ctx.fillRect(
      start,
      kind === 'incident' ? bbox.top : bbox.top + bbox.height - thick,
      width,
      thick,
    );
  }
  ctx.restore();
}

/** Markers that would stand upon each other, as one that names the last and counts the others. `marks`: sorted by x. */
export function clusterMarkers(marks: { x: number; text: string }[], near: number) {
  const clusters: { x: number; text: string; count: number }[] = [];
  for (const mark of marks) {
    const last = clusters.at(-1);
    if (last && mark.x - last.x < near)
      clusters[clusters.length - 1] = { ...mark, count: last.count + 1 };
    else clusters.push({ ...mark, count: 1 });
  }
  return clusters.map(({ x, text, count }) => ({
    x,
    text: count > 1 ? `${text} (+${count - 1})` : text,
  }));
}

function drawMarkers(plot: uPlot, markers: Marker[], colors: { text: string; ground: string }) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.strokeStyle = ctx.fillStyle = colors.text;
  ctx.font = `${10.5 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  ctx.textAlign = 'left';
  let textEnd = -Infinity; // texts that would overlap are left out; the lines stay
  for (const { x, text } of clusterMarkers(
    markers.map(({ at, text }) => ({ x: Math.round(plot.valToPos(at, 'x', true)), text })),
    6 * devicePixelRatio,
  )) {
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const size = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + size * 1.4);
    ctx.fill();
    const width = ctx.measureText(text).width;
    const gap = 6 * devicePixelRatio;
    // To the right of its line, or to the left where there is no room.
    const isRoomy = x + gap + width < bbox.left + bbox.width;
    const start = isRoomy ? x + gap : x - gap - width;
    if (start > textEnd && start >= bbox.left) {
      write(ctx, text, start, bbox.top + bbox.height - 5 * devicePixelRatio, colors);
      textEnd = start + width;
    }
  }
  ctx.restore();
}
