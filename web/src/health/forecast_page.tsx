// One forecast: how it went, how it is expected to go on, when its bound is crossed, and how far to trust that.
import { getRouteApi, Link } from '@tanstack/react-router';
import { formatNumber, formatValue } from '../platform/format';
import { Figure, Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Time, withLocalTimes } from '../platform/time';
import { Chart } from '../telemetry/chart';
import { capital } from './forecast_list';
import {
  boundText,
  crossingMarkers,
  forecastChart,
  stateOf,
  useForecast,
  type ForecastDetail,
} from './forecast_queries';

const route = getRouteApi('/forecasts/$id');

export function ForecastPage() {
  const { id } = route.useParams();
  const forecast = useForecast(id);
  const it = forecast.data;
  return (
    <Page
      title={it ? capital(it.what) : 'Forecast'}
      after={it && <StatusMark state={stateOf(it)} />}
      lead={it && withLocalTimes(`${capital(it.text)}.`)}
      actions={it && <Origin forecast={it} />}
    >
      <Loaded query={forecast} rows={8}>
        {(detail) => <Outlook forecast={detail} />}
      </Loaded>
    </Page>
  );
}

/** What it is of: the workload, and the SLO's own page. */
function Origin({ forecast }: { forecast: ForecastDetail }) {
  const name = forecast.key.slice(forecast.key.indexOf('/') + 1);
  if (forecast.kind === 'budget')
    return (
      <Link to="/slos/$name" params={{ name }}>
        The objective {name}
      </Link>
    );
  if (!forecast.workload) return null;
  return (
    <Link to="/workloads/$name" params={{ name: forecast.workload }}>
      The workload {forecast.workload}
    </Link>
  );
}

function Outlook({ forecast }: { forecast: ForecastDetail }) {
  const isCertificate = forecast.kind === 'certificate';
  return (
    <>
      <Panel title="What is expected">
        <div className="figures">
          {!isCertificate && <Figure label="now" value={nowOf(forecast)} />}
          <Figure
            label={isCertificate ? 'it expires' : boundText(forecast)}
            value={
              forecast.beyond ? (
                'crossed'
              ) : forecast.expected ? (
                <Time at={forecast.expected} />
              ) : (
                'not expected'
              )
            }
          />
          {!isCertificate && forecast.earliest && (
            <Figure label="at the earliest" value={<Time at={forecast.earliest} />} />
          )}
          {!isCertificate && forecast.expected && (
            <Figure
              label="at the latest"
              value={<Time at={forecast.latest} none="later than is foretold" />}
            />
          )}
        </div>
        {isCertificate ? (
          <p className="dim">Its end is written in it: there is nothing to foretell.</p>
        ) : (
          <Course forecast={forecast} />
        )}
      </Panel>
      {!isCertificate && (
        <Panel title="How far to trust it">
          <Trust forecast={forecast} />
        </Panel>
      )}
    </>
  );
}

function nowOf({ now, unit }: ForecastDetail): string {
  return typeof now === 'number' ? formatValue(now, unit) : '–';
}

function Course({ forecast }: { forecast: ForecastDetail }) {
  const chart = forecastChart(forecast);
  if (!chart)
    return (
      <Empty title="No course">
        {forecast.error || 'There is too little history to try a method on.'}
      </Empty>
    );
  return (
    <Chart
      label={`${capital(forecast.text)}: history, expected course and band`}
      range={chart.range}
      lines={[{ name: 'measured', line: chart.history }]}
      unit={forecast.unit}
      height={280}
      legend
      bands={[chart.band]}
      markers={crossingMarkers(forecast)}
      thresholds={[{ value: forecast.bound, text: boundText(forecast), tone: 'bad' }]}
    />
  );
}

function Trust({ forecast }: { forecast: ForecastDetail }) {
  const tried = forecast.backtest;
  if (!tried) return <p className="dim">Nothing was tried on the past yet.</p>;
  const error = formatValue(tried.error, forecast.unit);
  const stays = formatValue(tried.stays_error, forecast.unit);
  const better = tried.stays_error > 0 ? 1 - tried.error / tried.stays_error : 0;
  if (better <= 0)
    return (
      <p>
        None of five methods foretold the past better than “it stays as it is”, which was off by{' '}
        {stays} on average in {formatNumber(tried.tries)} tries: that is shown, and nothing is
        warned of. Nine of ten values lay within the band.
      </p>
    );
  return (
    <p>
      Of six methods <span className="strong">{tried.method}</span> foretold the past best: in{' '}
      {formatNumber(tried.tries)} tries it was off by {error} on average; “it stays as it is” by{' '}
      {stays}. Nine of ten values lay within the band.
      {better < 0.1 && ' That is hardly better: it is shown, and nothing is warned of.'}
    </p>
  );
}
