// Why an alert fired: the parts of its expression with the values that they had, from its fact.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, client } from '../platform/api';
import { formatNumber } from '../platform/format';
import { Loaded } from '../platform/states';

interface Part {
  expr: string;
  error?: string;
  count?: number;
  series?: { labels: Record<string, string>; value: number | string }[];
}

function useEvidence(fingerprint: string, wanted: boolean) {
  return useQuery({
    queryKey: ['evidence', fingerprint],
    enabled: wanted,
    queryFn: async ({ signal }) => {
      const query = {
        stream: `alert/${fingerprint}`,
        type: 'alert.fired',
        order: 'desc',
        limit: 1,
      } as const;
      const facts = await answer(client.GET('/api/v1/journal', { params: { query }, signal }));
      return (facts.items[0]?.body.evidence ?? []) as Part[];
    },
  });
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ');
}

function PartView({ part }: { part: Part }) {
  const series = part.series ?? [];
  const rest = (part.count ?? series.length) - series.length;
  return (
    <li>
      <code className="small">{part.expr}</code>
      {part.error && <div className="dim small">could not be asked: {part.error}</div>}
      {series.map((each) => (
        <div key={labelText(each.labels)} className="small">
          <strong>{typeof each.value === 'number' ? formatNumber(each.value) : each.value}</strong>{' '}
          <span className="dim">{labelText(each.labels)}</span>
        </div>
      ))}
      {!part.error && series.length === 0 && <div className="dim small">no series</div>}
      {rest > 0 && <div className="dim small">and {rest} more</div>}
    </li>
  );
}

export function AlertEvidence({ fingerprint }: { fingerprint: string }) {
  const [open, setOpen] = useState(false);
  const evidence = useEvidence(fingerprint, open);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="dim small">Why did it fire?</summary>
      {open && (
        <Loaded query={evidence}>
          {(parts) =>
            parts.length === 0 ? (
              <span className="dim small">Its expression has no parts to show.</span>
            ) : (
              <ul>
                {parts.map((part) => (
                  <PartView key={part.expr} part={part} />
                ))}
              </ul>
            )
          }
        </Loaded>
      )}
    </details>
  );
}
