import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { byConcern, useWorkloads } from './workload_queries';
import { WorkloadTable } from './workload_table';

export function WorkloadsPage() {
  const workloads = useWorkloads();
  return (
    <Page title="Workloads" lead="What you run, who owns it, and how it is doing.">
      <Panel title="All workloads" flush>
        <Loaded query={workloads} rows={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No workload is declared yet">
                Write one as code and apply it: <code>wellrun init ops</code>,{' '}
                <code>wellrun apply ops</code>
              </Empty>
            ) : (
              <WorkloadTable workloads={[...items].sort(byConcern)} />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
