// How the operation itself goes, computed from the journal.
import { formatPercent, formatRate } from '../platform/format';
import { Figure } from '../platform/page';
import { formatDuration } from '../platform/time';
import type { Schemas } from '../platform/api';

type Figures = Schemas['OperationsFigures'];

export function OperationsFigures({ figures }: { figures: Figures }) {
  return (
    <div className="figures figures-grid">
      {figures.items.map((it) => (
        <Figure
          key={it.name}
          label={`${it.title}${it.count > 0 ? ` (of ${it.count})` : ''}`}
          value={figureText(it.value, it.unit)}
          hint={`${it.name}: ${it.direction} is better`}
        />
      ))}
    </div>
  );
}

export function figureText(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return '–';
  switch (unit) {
    case 's':
      return formatDuration(value);
    case 'ratio':
      return formatPercent(value, 0);
    case 'h/week':
      return `${formatDuration(value * 3600)} a week`;
    case '1/week':
      return `${formatRate(value)} a week`;
    default:
      return formatRate(value);
  }
}
