// Operations as code, as applied: every resource with where it comes from.
import { NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { answer, client } from '../platform/api';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { Time } from '../platform/time';

const route = getRouteApi('/catalog');

export function ResourcesPage() {
  const { kind, name } = route.useSearch();
  const navigate = route.useNavigate();
  const resources = useQuery({
    queryKey: ['resources'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/resources', { signal })),
  });
  const all = resources.data?.items ?? [];
  const kinds = [...new Set(all.map((it) => it.kind))].sort();
  const chosen = all.find((it) => it.kind === kind && it.name === name);
  return (
    <Page
      title="Catalog"
      lead="Operations as code, as last applied. Change it in git, then plan and apply."
      actions={
        <NativeSelect
          size="xs"
          aria-label="Kind"
          value={kind ?? ''}
          onChange={(event) =>
            void navigate({ search: { kind: event.currentTarget.value || undefined } })
          }
          data={[
            { value: '', label: `All kinds (${all.length})` },
            ...kinds.map((it) => ({
              value: it,
              label: `${it} (${all.filter((each) => each.kind === it).length})`,
            })),
          ]}
        />
      }
    >
      {chosen && (
        <Panel
          title={`${chosen.kind} ${chosen.name}`}
          aside={
            <span className="mono">
              {chosen.file}
              {chosen.line > 0 && `:${chosen.line}`}
            </span>
          }
        >
          <pre className="json" tabIndex={0}>
            {JSON.stringify(chosen.spec, null, 2)}
          </pre>
        </Panel>
      )}
      <Panel title={kind ?? 'All resources'} flush>
        <Loaded query={resources} rows={8}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nothing is applied yet">
                Begin with a commented example: <code>wellrun init ops</code>, then{' '}
                <code>wellrun apply ops</code>
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>Kind</th>
                    <th>Name</th>
                    <th className="wide">From</th>
                    <th className="wide">Commit</th>
                    <th>Applied</th>
                  </tr>
                </thead>
                <tbody>
                  {items
                    .filter((it) => !kind || it.kind === kind)
                    .map((it) => (
                      <tr key={`${it.kind}/${it.name}`}>
                        <td>{it.kind}</td>
                        <td>
                          <Link
                            to="/catalog"
                            search={{ kind: it.kind, name: it.name }}
                            className="title-link"
                          >
                            {it.name}
                          </Link>
                        </td>
                        <td className="mono wide">
                          {it.file}
                          {it.line > 0 && `:${it.line}`}
                        </td>
                        <td className="mono wide">{it.commit.slice(0, 10) || '–'}</td>
                        <td className="nowrap">
                          <Time at={it.applied_at} />
                        </td>
                      </tr>
                    ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
