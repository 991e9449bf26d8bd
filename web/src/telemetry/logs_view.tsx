import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, client } from '../platform/api';
import { Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import type { Tone } from '../platform/status';
import { Time } from '../platform/time';
import { parseRange } from './prometheus';

const route = getRouteApi('/explore');
const severities = [
  { value: '', label: 'Any severity' },
  { value: '9', label: 'Info and above' },
  { value: '13', label: 'Warn and above' },
  { value: '17', label: 'Error and above' },
];

/** OpenTelemetry's SeverityNumber in words: 1–4 trace, 5–8 debug, 9–12 info, 13–16 warn, 17–20 error, 21–24 fatal. */
export function severityWord(severity: number): { word: string; tone: Tone } {
  if (severity >= 21) return { word: 'FATAL', tone: 'bad' };
  if (severity >= 17) return { word: 'ERROR', tone: 'bad' };
  if (severity >= 13) return { word: 'WARN', tone: 'warn' };
  if (severity >= 9) return { word: 'INFO', tone: 'info' };
  if (severity >= 5) return { word: 'DEBUG', tone: 'mute' };
  return { word: severity >= 1 ? 'TRACE' : '–', tone: 'mute' };
}

export function LogsView() {
  const { range = '1h', service, severity, contains, trace } = route.useSearch();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState({ service: service ?? '', contains: contains ?? '' });
  const logs = useQuery({
    queryKey: ['logs', range, service, severity, contains, trace],
    queryFn: ({ signal }) =>
      answer(
        client.GET('/api/v1/logs', {
          params: {
            query: {
              service,
              severity: severity ? Number(severity) : undefined,
              contains,
              trace_id: trace,
              start: new Date(Date.now() - (parseRange(range) ?? 3600) * 1000).toISOString(),
              limit: 300,
            },
          },
          signal,
        }),
      ),
    refetchInterval: 10_000,
  });
  return (
    <>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({
            search: (it) => ({
              ...it,
              service: typed.service || undefined,
              contains: typed.contains || undefined,
            }),
          });
        }}
      >
        <TextInput
          size="xs"
          aria-label="Service"
          placeholder="service"
          value={typed.service}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setTyped((it) => ({ ...it, service: value }));
          }}
        />
        <TextInput
          size="xs"
          className="grow"
          aria-label="Text"
          placeholder="text in the message, then Enter"
          value={typed.contains}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setTyped((it) => ({ ...it, contains: value }));
          }}
        />
        <NativeSelect
          size="xs"
          aria-label="Severity"
          value={severity ?? ''}
          onChange={(event) => {
            const chosen = event.currentTarget.value || undefined;
            void navigate({ search: (it) => ({ ...it, severity: chosen }) });
          }}
          data={severities}
        />
        <button type="submit" className="hidden-label">
          Apply
        </button>
        {trace && (
          <span className="tag">
            trace {trace.slice(0, 8)}…{' '}
            <Link to="/explore" search={(it) => ({ ...it, trace: undefined })}>
              any
            </Link>
          </span>
        )}
      </form>
      <Panel title="Logs, newest first" flush>
        <Loaded query={logs} rows={8}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No log record in this time">
                Send logs over OTLP (4317 or 4318), or widen the time shown.
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>Time</th>
                    <th>Severity</th>
                    <th>Service</th>
                    <th>Message</th>
                    <th className="wide">Trace</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((log, index) => {
                    const { word, tone } = severityWord(log.severity);
                    return (
                      <tr key={index}>
                        <td className="nowrap dim">
                          <Time at={log.time} as="clock" />
                        </td>
                        <td className="strong" data-tone={tone}>
                          {log.severity_text || word}
                        </td>
                        <td>{log.service}</td>
                        <td className="mono">{log.body}</td>
                        <td className="wide">
                          {log.trace_id && (
                            <Link
                              to="/explore"
                              search={{ tab: 'traces', trace: log.trace_id }}
                              className="mono"
                            >
                              {log.trace_id.slice(0, 8)}
                            </Link>
                          )}
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}
