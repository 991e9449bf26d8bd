// What is foretold: what will be missed and by when, and how far that is to be trusted.
import { Link } from '@tanstack/react-router';
import type { Schemas } from '../platform/api';
import { Empty } from '../platform/states';
import { StatusIcon } from '../platform/status';
import { Time, withLocalTimes } from '../platform/time';
import { byConcern, stateOf, type Forecast } from './forecast_queries';

export function ForecastList({ forecasts }: { forecasts: Schemas['ForecastList'] | undefined }) {
  if (!forecasts || forecasts.items.length === 0)
    return (
      <Empty title="Nothing is foretold">
        {forecasts?.made_at
          ? 'There is no KPI, no budget, no disk and no certificate to look ahead for.'
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
              <Link to="/forecasts/$id" params={{ id: it.id }} className="title-link strong">
                {capital(it.what)}
              </Link>
            </span>
            {it.warns && <Time at={it.expected} />}
          </div>
          <div className="small dim">{sayingOf(it)}</div>
        </li>
      ))}
    </ul>
  );
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The sentence without its subject, which stands above it. */
function sayingOf({ what, text }: Forecast): string {
  const said = text.startsWith(what) ? text.slice(what.length).replace(/^[: ]+/, '') : text;
  return withLocalTimes(said);
}
