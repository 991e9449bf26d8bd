// What each alert, KPI and detector is worth, what to change, and one click to say what an alert was.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconThumbDown, IconThumbUp } from '@tabler/icons-react';
import { answer, client, type Schemas } from '../platform/api';
import { useCommand } from '../platform/command';
import { formatPercent } from '../platform/format';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { useRefusal } from '../platform/session';
import { StatusIcon } from '../platform/status';
import { formatDuration, Time } from '../platform/time';

type Worth = Schemas['Worth'];
type Effectiveness = Schemas['Effectiveness'];
type Proposal = Schemas['Proposal'];

function useEffectiveness() {
  return useQuery({
    queryKey: ['effectiveness', 'worth'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/effectiveness', { signal })),
    refetchInterval: 60_000,
  });
}

function useProposals() {
  return useQuery({
    queryKey: ['effectiveness', 'proposals'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/effectiveness/proposals', { signal })),
    staleTime: 60_000,
  });
}

export function EffectivenessPage() {
  const effectiveness = useEffectiveness();
  const proposals = useProposals();
  return (
    <Page
      title="Effectiveness"
      lead="Did it speak when something was wrong, did it keep quiet otherwise, did anybody look, did it change anything? The last 90 days."
    >
      <Panel title="Proposals" flush>
        <Loaded query={proposals} rows={3}>
          {({ items }) => <Proposals proposals={items} />}
        </Loaded>
      </Panel>
      <Panel title="What each is worth" flush>
        <Loaded query={effectiveness} rows={6}>
          {({ items }) => <Worths worths={items} />}
        </Loaded>
      </Panel>
      <Panel title="What were these alerts?" flush>
        <Loaded query={effectiveness} rows={4}>
          {({ recent }) => <Recent alerts={recent} />}
        </Loaded>
      </Panel>
    </Page>
  );
}

function Backtest({ backtest }: { backtest: Proposal['backtest'] }) {
  if (!backtest)
    return <span className="dim small">There is no rule that could be tried on the past.</span>;
  if (backtest.error)
    return <span className="dim small">The back-test could not be made: {backtest.error}</span>;
  const [said, state] = verdictOf(backtest.supports);
  return (
    <span className="small">
      <StatusIcon state={state} size={14} /> The back-test {said}
      <span className="dim">{backtest.text && `: ${backtest.text}`}.</span>
    </span>
  );
}

function verdictOf(supports: boolean | null | undefined): [string, string] {
  if (supports === true) return ['supports it', 'met'];
  if (supports === false) return ['speaks against it', 'missed'];
  return ['cannot say, for too little happened', 'no_data'];
}

function Proposals({ proposals }: { proposals: Proposal[] }) {
  if (proposals.length === 0)
    return (
      <Empty title="Nothing to propose">No alert is mostly noise, and nothing was missed.</Empty>
    );
  return (
    <ul className="list">
      {proposals.map((it) => {
        const rules = it.rule ? [it.rule] : it.now;
        return (
          <li key={`${it.what} ${it.subject} ${it.text}`} className="list-line">
            <div className="stack">
              <span>
                <span className="tag strong">{it.what}</span> {it.text}
              </span>
              {rules.map(({ expr, for: hold }) => (
                <code key={expr} className="mono small">
                  {expr}
                  {hold !== '0s' && ` for ${hold}`}
                </code>
              ))}
              <Backtest backtest={it.backtest} />
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** What speaks most first; what never did last. */
function byNoise(left: Worth, right: Worth): number {
  return (
    right.noise - left.noise ||
    right.spoke - left.spoke ||
    left.subject.localeCompare(right.subject)
  );
}

function flags(worth: Worth): string[] {
  const found: string[] = [];
  if (worth.never_fired) found.push(worth.whole_time ? 'never spoke' : 'new, has not spoken');
  else if (worth.never_looked_at) found.push('never looked at');
  if (!worth.never_fired && worth.never_changed_a_decision) found.push('changed nothing');
  return found;
}

function Worths({ worths }: { worths: Worth[] }) {
  if (worths.length === 0)
    return <Empty title="Nothing may speak yet">Declare alerts, SLOs and KPIs.</Empty>;
  return (
    <div className="table-scroll">
      <table className="table">
        <thead>
          <tr>
            <th>Subject</th>
            <th className="num">Spoke</th>
            <th className="num">Precision</th>
            <th className="num">Recall</th>
            <th className="num only-wide">Before a person</th>
            <th className="only-wide">In 90 days</th>
          </tr>
        </thead>
        <tbody>
          {worths.toSorted(byNoise).map((it) => (
            <tr key={it.subject}>
              <td>
                <span className="strong">{it.subject.split('/').slice(1).join(' / ')}</span>
                <div className="sub">
                  {it.kind} · {it.workload || 'no workload'}
                </div>
              </td>
              <td className="num">{it.spoke}</td>
              <td className="num nowrap" title={`${it.right} right, ${it.noise} noise`}>
                {formatPercent(it.precision, 0)}
              </td>
              <td className="num nowrap" title={`${it.told} of ${it.incidents} incidents`}>
                {formatPercent(it.recall, 0)}
              </td>
              <td className="num nowrap only-wide">
                {typeof it.lead_s === 'number' ? formatDuration(it.lead_s) : '–'}
              </td>
              <td className="only-wide">
                {flags(it).map((flag) => (
                  <span key={flag} className="tag">
                    {flag}
                  </span>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Recent({ alerts }: { alerts: Effectiveness['recent'] }) {
  const refusal = useRefusal('responder');
  const give = useCommand<{ fingerprint: string; verdict: 'real' | 'noise' }>({
    run: ({ fingerprint, verdict }) =>
      answer(
        client.POST('/api/v1/alerts/{fingerprint}/verdict', {
          params: { path: { fingerprint } },
          body: { verdict },
        }),
      ),
    touches: ['effectiveness'],
    done: 'Thank you: it goes into what the alert is worth',
  });
  if (alerts.length === 0) return <Empty title="No alert fired">There is nothing to judge.</Empty>;
  return (
    <ul className="list">
      {alerts.slice(0, 20).map((it) => (
        <li key={`${it.fingerprint} ${it.from}`} className="list-line">
          <span>
            <span className="strong">{it.subject.split('/').at(-1)}</span>{' '}
            <span className="dim small">
              {it.workload} · {it.severity} · <Time at={it.from} />
            </span>
          </span>
          <span className="row nowrap">
            {it.verdict !== '' ? (
              <span className="tag">{it.verdict}</span>
            ) : (
              (['real', 'noise'] as const).map((verdict) => (
                <Button
                  key={verdict}
                  size="compact-xs"
                  variant="default"
                  disabled={refusal !== undefined}
                  title={refusal}
                  aria-label={`${it.subject} was ${verdict}`}
                  leftSection={
                    verdict === 'real' ? <IconThumbUp size={13} /> : <IconThumbDown size={13} />
                  }
                  onClick={() => give.mutate({ fingerprint: it.fingerprint, verdict })}
                >
                  {verdict === 'real' ? 'Real' : 'Noise'}
                </Button>
              ))
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
