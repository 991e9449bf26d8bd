// Numbers as people read them.

/** Up to four significant digits, thousands as k, M, G; no trailing zeros. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '+∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  for (const [unit, scale] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e4],
  ] as const) {
    if (size >= scale) {
      const divisor = unit === 'k' ? 1e3 : scale;
      return trim((value / divisor).toPrecision(4)) + unit;
    }
  }
  return trim(value.toPrecision(4));
}

/** How often: two digits after the point say enough, and less than that is not never. */
export function formatRate(value: number | null | undefined): string {
  if (value && value > 0 && value < 0.005) return '< 0.01';
  return formatNumber(value && Math.round(value * 100) / 100);
}

function trim(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** A ratio as per cent with as many digits as a service level needs: 0.9995 -> 99.95 %. */
export function formatPercent(ratio: number | null | undefined, digits = 2): string {
  if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return '–';
  return `${trim((ratio * 100).toFixed(digits))} %`;
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
