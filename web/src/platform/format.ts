// Numbers as people read them.

const scales = [
  { from: 1e12, divisor: 1e12, unit: 'T' },
  { from: 1e9, divisor: 1e9, unit: 'G' },
  { from: 1e6, divisor: 1e6, unit: 'M' },
  { from: 1e4, divisor: 1e3, unit: 'k' },
  { from: 0, divisor: 1, unit: '' },
];

/** Up to four significant digits, thousands as k, M, G, T; no trailing zeros. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '+∞' : '−∞';
  // The unit is that of the rounded value: 999,990 is 1M, not 1000k.
  const rounded = Number(value.toPrecision(4));
  const size = Math.abs(rounded);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  if (size >= 1e16) return trim(value.toExponential(3));
  const { divisor, unit } = scales.find(({ from }) => size >= from) ?? { divisor: 1, unit: '' };
  return trim((rounded / divisor).toPrecision(4)) + unit;
}

/** How often: two digits after the point say enough, and less than that is not never. */
export function formatRate(value: number | null | undefined): string {
  if (value && value > 0 && value < 0.005) return '< 0.01';
  return formatNumber(value && Math.round(value * 100) / 100);
}

function trim(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/**
 * A ratio as per cent with as many digits as a service level needs: 0.9995 -> 99.95 %. What is below one is never
 * rounded up to it: 0.99996 -> 99.996 %, for an objective of 100 % less a little is met or missed in those digits.
 */
export function formatPercent(ratio: number | null | undefined, digits = 2): string {
  if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return '–';
  let text = (ratio * 100).toFixed(digits);
  for (let more = digits + 1; ratio < 1 && Number(text) >= 100 && more < 12; ++more) {
    text = (ratio * 100).toFixed(more);
  }
  return `${ratio < 1 && Number(text) >= 100 ? '< 100' : trim(text)} %`;
}

/** A score from 0 to 100, as the assessment gives it: 24.0625 -> 24.1 %. */
export function formatScore(score: number, digits = 1): string {
  return formatPercent(score / 100, digits);
}

/** A value in its unit; ratios and seconds are written the way they are spoken. */
export function formatValue(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  switch (unit) {
    case '':
    case '1':
      return formatNumber(value);
    case 'ratio':
      return formatPercent(value);
    case 'percent':
    case '%':
      return `${formatNumber(value)} %`;
    case 's':
    case 'seconds':
      return Math.abs(value) < 1 && value !== 0
        ? `${formatNumber(value * 1000)} ms`
        : `${formatNumber(value)} s`;
    case 'bytes':
    case 'By':
      return formatBytes(value);
    default:
      return `${formatNumber(value)} ${unit}`;
  }
}

/** A value beside an axis, where there is room for a number but not for "orders/min". */
export function formatAxis(value: number, unit: string): string {
  const short = ['ratio', 'percent', '%', 's', 'seconds', 'bytes', 'By'];
  return short.includes(unit) ? formatValue(value, unit) : formatNumber(value);
}

/** The number and the unit apart, for where the number is large and the unit is not. */
export function splitValue(value: number | null | undefined, unit: string): [string, string] {
  const text = formatValue(value, unit);
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

export function formatBytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let index = 0;
  while (Math.abs(value) >= 1024 && index < units.length - 1) {
    value /= 1024;
    index++;
  }
  return `${formatNumber(value)} ${units[index]}`;
}

/** "person:ana" -> "ana"; what acts by itself keeps its kind: "automation restart-checkout". */
export function formatActor(actor: string | null | undefined): string {
  if (!actor) return '';
  const [kind, ...rest] = actor.split(':');
  const name = rest.join(':');
  if (name === '') return actor;
  return kind === 'person' ? name : `${kind} ${name}`;
}

/** "waiting_approval" -> "waiting approval" */
export function words(text: string): string {
  return text.replaceAll('_', ' ');
}
