// Whether outcomes are reached, what leads to them, and what is left of what was promised.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { answer, client } from '../platform/api';
import { Page, Panel } from '../platform/page';
import { Loaded } from '../platform/states';
import { ForecastList } from './forecast_list';
import { useForecasts } from './forecast_queries';
import { useKpis, useSlos } from './health_queries';
import { OperationsFigures } from './operations_figures';
import { OutcomeTree } from './outcome_tree';
import { SloList } from './slo_list';

function useOperations() {
  return useQuery({
    queryKey: ['operations'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/operations', { signal })),
    refetchInterval: 60_000,
  });
}

export function HealthPage() {
  const slos = useSlos();
  const kpis = useKpis();
  const operations = useOperations();
  const forecasts = useForecasts();
  return (
    <Page
      title="Health"
      lead="From the business outcome to the signal: what is reached, what leads to it, what is left of the room for failure."
      actions={<Link to="/effectiveness">What alerts and KPIs are worth</Link>}
    >
      <Panel title="From outcome to signal" flush>
        <Loaded query={kpis} rows={5}>
          {({ items }) => <OutcomeTree kpis={items} slos={slos.data?.items ?? []} />}
        </Loaded>
      </Panel>
      <Panel title="Objectives" flush>
        <Loaded query={slos} rows={5}>
          {({ items }) => <SloList slos={items} />}
        </Loaded>
      </Panel>
      <Panel title="Looking ahead" flush>
        <Loaded query={forecasts} rows={3}>
          {(foretold) => <ForecastList forecasts={foretold} />}
        </Loaded>
      </Panel>
      <Panel title="How the operation goes, 30 days">
        <Loaded query={operations} rows={3}>
          {(figures) => <OperationsFigures figures={figures} />}
        </Loaded>
      </Panel>
    </Page>
  );
}
