import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, client, type Schemas } from '../platform/api';
import { Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { formatDuration, Time } from '../platform/time';
import { parseRange } from './prometheus';

const route = getRouteApi('/explore');

export function TracesView() {
  const { range = '1h', service, trace } = route.useSearch();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState(service ?? '');
  const traces = useQuery({
    queryKey: ['traces', range, service],
    queryFn: ({ signal }) =>
      answer(
        client.GET('/api/v1/traces', {
          params: {
            query: {
              service,
              start: new Date(Date.now() - (parseRange(range) ?? 3600) * 1000).toISOString(),
              limit: 100,
            },
          },
          signal,
        }),
      ),
    refetchInterval: 10_000,
  });
  return (
    <>
      {trace && <TracePanel id={trace} />}
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ search: (it) => ({ ...it, service: typed || undefined }) });
        }}
      >
        <TextInput
          size="xs"
          aria-label="Service"
          placeholder="service, then Enter"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </form>
      <Panel title="Traces, newest first" flush>
        <Loaded query={traces} rows={8}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No trace in this time">
                Send spans over OTLP (4317 or 4318), or widen the time shown.
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>Time</th>
                    <th>Trace</th>
                    <th>Service</th>
                    <th className="num">Spans</th>
                    <th className="num">Errors</th>
                    <th className="num">Took</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((it) => (
                    <tr key={it.trace_id}>
                      <td className="nowrap dim">
                        <Time at={it.start} as="clock" />
                      </td>
                      <td>
                        <Link
                          to="/explore"
                          search={(before) => ({ ...before, trace: it.trace_id })}
                          className="title-link"
                        >
                          {it.name}
                        </Link>
                        <span className="sub mono">{it.trace_id.slice(0, 16)}</span>
                      </td>
                      <td>{it.service}</td>
                      <td className="num">{it.spans}</td>
                      <td className="num" data-tone={it.errors > 0 ? 'bad' : undefined}>
                        {it.errors}
                      </td>
                      <td className="num nowrap">{formatDuration(it.duration_ms / 1000)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}

type Span = Schemas['Span'];

/**
 * Spans as a tree in reading order: parents before children, siblings by start; each with its depth. A span that was sent
 * twice stands there once, and a circle of parents begins somewhere.
 */
export function spanTree(spans: Span[]): { span: Span; depth: number }[] {
  const byStart = [...spans].sort(
    (left, right) => Date.parse(left.start) - Date.parse(right.start),
  );
  const waiting = new Map<string, Span>();
  for (const span of byStart) if (!waiting.has(span.span_id)) waiting.set(span.span_id, span);
  const roots: Span[] = [];
  const children = new Map<string, Span[]>();
  for (const span of waiting.values()) {
    const parent = span.parent_span_id;
    if (!parent || !waiting.has(parent)) roots.push(span);
    else if (!children.get(parent)?.push(span)) children.set(parent, [span]);
  }
  const ordered: { span: Span; depth: number }[] = [];
  const visit = (span: Span, depth: number) => {
    if (!waiting.delete(span.span_id)) return;
    ordered.push({ span, depth });
    for (const child of children.get(span.span_id) ?? []) visit(child, depth + 1);
  };
  for (const root of roots) visit(root, 0);
  for (const span of [...waiting.values()]) visit(span, 0);
  return ordered;
}

const kBarWidth = 1000;

function TracePanel({ id }: { id: string }) {
  const trace = useQuery({
    queryKey: ['traces', 'one', id],
    queryFn: ({ signal }) =>
      answer(
        client.GET('/api/v1/traces/{trace_id}', { params: { path: { trace_id: id } }, signal }),
      ),
  });
  return (
    <Panel
      title={<span className="mono">{id}</span>}
      aside={
        <>
          <Link to="/explore" search={{ tab: 'logs', trace: id }}>
            Its logs
          </Link>
          <Link to="/explore" search={(it) => ({ ...it, trace: undefined })}>
            Close
          </Link>
        </>
      }
    >
      <Loaded query={trace} rows={5}>
        {({ spans }) => <Waterfall spans={spans} />}
      </Loaded>
    </Panel>
  );
}

function Waterfall({ spans }: { spans: Span[] }) {
  const starts = spans.map((span) => Date.parse(span.start));
  const first = Math.min(...starts);
  const last = Math.max(...spans.map((span, index) => (starts[index] ?? 0) + span.duration_ms));
  const scale = kBarWidth / Math.max(last - first, 0.001);
  return (
    <div>
      {spanTree(spans).map(({ span, depth }) => (
        <div key={span.span_id} className="spans" title={span.status_message || span.kind}>
          <span>
            <span className="dim">{'· '.repeat(Math.min(depth, 12))}</span>
            <span className="strong">{span.name}</span>{' '}
            <span className="dim small">{span.service}</span>
            {span.status === 'error' && (
              <span className="small" data-tone="bad">
                {' '}
                error
              </span>
            )}
          </span>
          <svg
            className="meter span-bar span-chart"
            data-tone={span.status === 'error' ? 'bad' : 'good'}
            viewBox={`0 0 ${kBarWidth} 12`}
            preserveAspectRatio="none"
            aria-hidden
          >
            <rect
              className="meter-fill"
              x={(Date.parse(span.start) - first) * scale}
              y="2"
              height="8"
              width={Math.max(span.duration_ms * scale, 3)}
            />
          </svg>
          <span className="num small">{formatDuration(span.duration_ms / 1000)}</span>
        </div>
      ))}
    </div>
  );
}
