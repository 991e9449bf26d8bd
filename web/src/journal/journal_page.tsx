// The journal itself: every fact, who caused it, and what it belongs to.
import { NativeSelect } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { answer, client, type Schemas } from '../platform/api';
import { CommandButton } from '../platform/command';
import { formatActor } from '../platform/format';
import { touchedBy } from '../platform/live';
import { Page, Panel } from '../platform/page';
import { Empty, Failure, Loaded, Loading } from '../platform/states';
import { Time } from '../platform/time';

const route = getRouteApi('/journal');
type Fact = Schemas['Fact'];
const kPage = 100;

const domains = [...new Set(Object.keys(touchedBy).map((type) => type.split('.')[0] ?? ''))].sort();

export function JournalPage() {
  const { type, correlation, seq } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Journal"
      lead="Everything that happened, why, and by whose hand. Nothing here can be changed."
      actions={
        <>
          {(correlation || type || seq) && (
            <Link to="/journal" search={{}}>
              Show everything
            </Link>
          )}
          <NativeSelect
            size="xs"
            aria-label="About"
            value={type ?? ''}
            onChange={(event) => {
              const chosen = event.currentTarget.value || undefined;
              void navigate({ search: (it) => ({ ...it, type: chosen }) });
            }}
            data={[
              { value: '', label: 'About anything' },
              ...domains.map((it) => ({ value: `${it}.`, label: it })),
            ]}
          />
        </>
      }
    >
      {seq && <OneFact seq={seq} />}
      <Facts type={type} correlation={correlation} />
    </Page>
  );
}

function OneFact({ seq }: { seq: string }) {
  const fact = useQuery({
    queryKey: ['fact', seq],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/journal/{seq}', { params: { path: { seq } }, signal })),
    staleTime: Infinity,
  });
  return (
    <Panel title={`Fact #${seq}`}>
      <Loaded query={fact} rows={4}>
        {(data) => <FactDetail fact={data} />}
      </Loaded>
    </Panel>
  );
}

function FactDetail({ fact }: { fact: Fact }) {
  return (
    <>
      <dl className="pairs">
        <dt>What</dt>
        <dd>
          <span className="strong">{fact.sentence ?? fact.type}</span>{' '}
          <span className="mono dim">{fact.type}</span>
        </dd>
        <dt>When</dt>
        <dd>
          <Time at={fact.time} as="clock" /> (<Time at={fact.time} />)
        </dd>
        <dt>By</dt>
        <dd>{fact.actor || 'unknown'}</dd>
        <dt>Because of</dt>
        <dd>
          {fact.cause > 0 ? (
            <Link to="/journal" search={(it) => ({ ...it, seq: String(fact.cause) })}>
              #{fact.cause}
            </Link>
          ) : (
            'a person, or the outside world'
          )}
        </dd>
        <dt>Story</dt>
        <dd>
          {fact.correlation ? (
            <Link to="/journal" search={{ correlation: fact.correlation }}>
              {fact.correlation}
            </Link>
          ) : (
            '–'
          )}
        </dd>
        <dt>Hash</dt>
        <dd className="mono dim">{fact.hash}</dd>
      </dl>
      <pre className="json" tabIndex={0} aria-label="Body">
        {JSON.stringify(fact.body, null, 2)}
      </pre>
    </>
  );
}

function Facts({ type, correlation }: { type?: string; correlation?: string }) {
  const facts = useInfiniteQuery({
    queryKey: ['journal', type, correlation],
    queryFn: ({ signal, pageParam }) =>
      answer(
        client.GET('/api/v1/journal', {
          params: {
            query: { order: 'desc', limit: kPage, type, correlation, before: pageParam },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.items.length < kPage ? undefined : last.items.at(-1)?.seq),
  });
  const items = facts.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel title={correlation ? `The story of ${correlation}` : 'Newest first'} flush>
      {facts.isPending && <Loading rows={8} />}
      {facts.error && !facts.data && (
        <Failure error={facts.error} retry={() => void facts.refetch()} />
      )}
      {facts.data && items.length === 0 && <Empty title="No fact matches" />}
      {items.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              <th className="num">#</th>
              <th>When</th>
              <th>What</th>
              <th className="wide">About</th>
              <th className="wide">By</th>
              <th className="wide">Story</th>
            </tr>
          </thead>
          <tbody>
            {items.map((fact) => (
              <tr key={fact.seq}>
                <td className="num">
                  <Link
                    to="/journal"
                    search={(it) => ({ ...it, seq: String(fact.seq) })}
                    className="mono"
                  >
                    {fact.seq}
                  </Link>
                </td>
                <td className="nowrap">
                  <Time at={fact.time} as="clock" />
                </td>
                <td>
                  <span className="strong">{fact.sentence ?? fact.type}</span>{' '}
                  <span className="mono dim small">{fact.type}</span>
                </td>
                <td className="mono wide">{fact.stream}</td>
                <td className="wide">{formatActor(fact.actor)}</td>
                <td className="wide nowrap">
                  {fact.correlation && (
                    <Link to="/journal" search={{ correlation: fact.correlation }}>
                      {fact.correlation}
                    </Link>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {facts.hasNextPage && (
        <div className="panel-body">
          <CommandButton
            role="viewer"
            variant="default"
            onClick={() => void facts.fetchNextPage()}
            loading={facts.isFetchingNextPage}
          >
            Show older
          </CommandButton>
        </div>
      )}
    </Panel>
  );
}
