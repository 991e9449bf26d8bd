// What is foretold of a workload: what will be missed and by when, and how far that is to be trusted.
import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';
import { Empty } from '../platform/states';
import { StatusIcon } from '../platform/status';
import { Time, withLocalTimes } from '../platform/time';

type Forecast = Schemas['Forecast'];

export function useForecasts(workload: string) {
  return useQuery({
    queryKey: ['forecasts', workload],
    queryFn: ({ signal }) =>
      answer(client.GET('/api/v1/forecasts', { params: { query: { workload } }, signal })),
    refetchInterval: 60_000,
  });
}

/** What is to be said first: what warns, what is crossed already, what is well, what is not known. */
export function byConcern(left: Forecast, right: Forecast): number {
  const concern = (it: Forecast) => (it.warns ? 0 : it.beyond ? 1 : it.backtest ? 2 : 3);
  return concern(left) - concern(right) || left.key.localeCompare(right.key);
}

export function ForecastList({ forecasts }: { forecasts: Schemas['ForecastList'] | undefined }) {
  if (!forecasts || forecasts.items.length === 0)
    return (
      <Empty title="Nothing is foretold">
        {forecasts?.made_at
          ? 'There is no KPI, no budget and no disk of this workload to look ahead for.'
          : 'The first outlook is made half a minute after the start.'}
      </Empty>
    );
  return (
    <ul className="list">
      {forecasts.items.toSorted(byConcern).map((it) => (
        <li key={it.id}>
          <div className="list-line">
            <span>
              <StatusIcon state={stateOf(it)} size={15} />{' '}
              <span className="strong">{capital(it.what)}</span>
            </span>
            {it.warns && <Time at={it.expected} />}
          </div>
          <div className="small dim">{sayingOf(it)}</div>
        </li>
      ))}
    </ul>
  );
}

function stateOf(it: Forecast): string {
  if (it.warns) return 'at_risk';
  if (it.beyond) return 'missed';
  return it.backtest || it.kind === 'certificate' ? 'ok' : 'no_data';
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The sentence without its subject, which stands above it. */
function sayingOf({ what, text }: Forecast): string {
  const said = text.startsWith(what) ? text.slice(what.length).replace(/^[: ]+/, '') : text;
  return withLocalTimes(said);
}
