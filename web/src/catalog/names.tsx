// The names of a kind's resources, for fields that take one: <NamesOf id="teams" kind="Team" /> and list="teams".
import { useQuery } from '@tanstack/react-query';
import { answer, client } from '../platform/api';

export function NamesOf({ id, kind }: { id: string; kind: string }) {
  const names = useQuery({
    queryKey: ['resources', kind, 'names'],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/resources', { params: { query: { kind } }, signal })),
    staleTime: 60_000,
  });
  return (
    <datalist id={id}>
      {names.data?.items.map(({ name }) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}
