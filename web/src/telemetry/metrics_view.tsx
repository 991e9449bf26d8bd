import { Button } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { toSpan, useBaselines, useCourses, watchedLines } from '../health/baseline_queries';
import { formatNumber } from '../platform/format';
import { Panel } from '../platform/page';
import { Empty, Failure, Loading } from '../platform/states';
import { Switch } from '../platform/switch';
import { Chart } from './chart';
import { formatLabels, parseRange, queryInstant, useRange } from './prometheus';
import { PromqlEditor } from './promql_editor';

const route = getRouteApi('/explore');
const normalOptions = [
  { value: 'off', text: 'Values only' },
  { value: 'on', text: 'With what is normal' },
] as const;
const kMostLines = 20; // more cannot be told apart; the table shows all

export function MetricsView() {
  const { query = '', range = '1h', normal } = route.useSearch();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState({ base: query, text: query });
  if (typed.base !== query) setTyped({ base: query, text: query }); // the URL changed: back, or a link
  const samples = useRange(query, parseRange(range) ?? 3600);
  const run = (text: string) => {
    if (text === query) void samples.refetch();
    else void navigate({ search: (it) => ({ ...it, query: text || undefined }) });
  };
  const lines = samples.data?.lines ?? [];
  const baselines = useBaselines(undefined, normal === 'on' && query !== '');
  const watched =
    normal === 'on' ? watchedLines(query, lines.slice(0, kMostLines), baselines.data) : [];
  const courses = useCourses(
    watched.map(({ baseline }) => baseline),
    samples.data?.range,
  );
  return (
    <>
      <div className="row">
        <div className="grow">
          <PromqlEditor
            value={typed.text}
            onChange={(text) => setTyped({ base: query, text })}
            onRun={run}
          />
        </div>
        <Button
          leftSection={<IconPlayerPlay size={15} />}
          onClick={() => run(typed.text)}
          loading={samples.isFetching && !samples.data && query !== ''}
        >
          Run
        </Button>
      </div>
      {query === '' && (
        <Panel title="Result">
          <Empty title="Ask for something">
            Type a metric’s name; Ctrl+Space completes. <code>up</code> shows which targets answer.
          </Empty>
        </Panel>
      )}
      {samples.error && !samples.data && <Failure error={samples.error} />}
      {query !== '' && samples.isPending && !samples.error && <Loading rows={6} />}
      {samples.data && (
        <Panel
          title="Chart"
          aside={
            <span className="row">
              {`${lines.length} series`}
              <Switch
                label="What is normal"
                options={normalOptions}
                value={normal ?? 'off'}
                onChange={(value) =>
                  void navigate({
                    search: (it) => ({ ...it, normal: value === 'on' ? value : undefined }),
                  })
                }
              />
            </span>
          }
        >
          {normal === 'on' && baselines.data && watched.length === 0 && (
            <p className="dim small">
              None of these series is watched. KPIs and SLOs are by themselves, other metrics by a
              Baseline resource.
            </p>
          )}
          {lines.length === 0 ? (
            <Empty title="No series matches">
              Widen the time shown, or check names and labels: completion offers what there is.
            </Empty>
          ) : (
            <Chart
              label={`${query}: ${lines.length} series`}
              range={samples.data.range}
              lines={lines
                .slice(0, kMostLines)
                .map((line) => ({ name: formatLabels(line.labels), line }))}
              height={320}
              legend
              bands={watched.flatMap(({ line }, index) => {
                const band = courses.data?.[index]?.band;
                return band ? [{ line, ...band }] : [];
              })}
              spans={watched.flatMap(
                (_, index) => courses.data?.[index]?.anomalies.map(toSpan) ?? [],
              )}
            />
          )}
        </Panel>
      )}
      {query !== '' && <NowTable query={query} />}
    </>
  );
}

function NowTable({ query }: { query: string }) {
  const now = useQuery({
    queryKey: ['metrics', 'now', query],
    queryFn: ({ signal }) => queryInstant(query, signal),
    refetchInterval: 15_000,
  });
  if (!now.data || now.data.length === 0) return null;
  const names = [...new Set(now.data.flatMap((line) => Object.keys(line.labels)))].sort();
  return (
    <Panel title="Now" flush aside={`${now.data.length} series`}>
      <table className="table">
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name}>{name === '__name__' ? 'metric' : name}</th>
            ))}
            <th className="num">value</th>
          </tr>
        </thead>
        <tbody>
          {now.data.slice(0, 500).map((line) => (
            <tr key={formatLabels(line.labels)}>
              {names.map((name) => (
                <td key={name} className="mono">
                  {line.labels[name] ?? ''}
                </td>
              ))}
              <td className="num mono">{formatNumber(line.points[0]?.[1])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
