// Whether outcomes are reached, and what is left of what was promised.
import { Page, Panel } from '../platform/page';
import { Loaded } from '../platform/states';
import { useSlos } from './health_queries';
import { SloList } from './slo_list';

export function HealthPage() {
  const slos = useSlos();
  return (
    <Page title="Health" lead="What was promised, and what is left of the room for failure.">
      <Panel title="Objectives" flush>
        <Loaded query={slos} rows={5}>
          {({ items }) => <SloList slos={items} />}
        </Loaded>
      </Panel>
    </Page>
  );
}
