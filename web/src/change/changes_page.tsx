import { NativeSelect } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useWorkloads } from '../catalog/workload_queries';
import { formatPercent, formatRate } from '../platform/format';
import { Figure, Page, Panel } from '../platform/page';
import { Loaded } from '../platform/states';
import { formatDuration } from '../platform/time';
import { ChangeList } from './change_list';
import { mergeChanges, useChanges, useDeployments, useDora } from './change_queries';

const route = getRouteApi('/changes');

export function ChangesPage() {
  const { workload } = route.useSearch();
  const navigate = route.useNavigate();
  const workloads = useWorkloads();
  const deployments = useDeployments(workload);
  const changes = useChanges(workload);
  const dora = useDora(workload);
  const seconds = (value: number | null) => (value === null ? '–' : formatDuration(value));
  return (
    <Page
      title="Changes"
      lead="Deployments, flags, configuration and infrastructure: what may have caused what."
      actions={
        <NativeSelect
          size="xs"
          aria-label="Workload"
          value={workload ?? ''}
          onChange={(event) =>
            void navigate({ search: { workload: event.currentTarget.value || undefined } })
          }
          data={[
            { value: '', label: 'All workloads' },
            ...(workloads.data?.items ?? []).map((it) => ({
              value: it.name,
              label: it.display_name || it.name,
            })),
          ]}
        />
      }
    >
      <Panel title="The four figures, 30 days">
        <Loaded query={dora} rows={2}>
          {(data) => (
            <div className="figures">
              <Figure
                label="deployments a day"
                value={formatRate(data.deployment_frequency_per_day)}
              />
              <Figure label="lead time (median)" value={seconds(data.lead_time_median_s)} />
              <Figure
                label={`change failure rate (${data.failures} of ${data.deployments})`}
                value={formatPercent(data.change_failure_rate, 0)}
              />
              <Figure
                label="time to restore (median)"
                value={seconds(data.time_to_restore_median_s)}
              />
            </div>
          )}
        </Loaded>
      </Panel>
      <Panel title="History" flush>
        <Loaded query={deployments} rows={6}>
          {(data) => <ChangeList changes={mergeChanges(data.items, changes.data?.items ?? [])} />}
        </Loaded>
      </Panel>
    </Page>
  );
}
