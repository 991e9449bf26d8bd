import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useWorkloads } from '../catalog/workload_queries';
import { answer, client } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { formatActor } from '../platform/format';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { SeverityMark, StatusMark } from '../platform/status';
import { Switch } from '../platform/switch';
import { Elapsed, Time } from '../platform/time';
import { byUrgency, useIncidents, type Incident } from './incident_queries';

const route = getRouteApi('/incidents');
const states = [
  { value: 'open', text: 'Open' },
  { value: 'resolved', text: 'Resolved' },
  { value: 'all', text: 'All' },
] as const;

export function IncidentsPage() {
  const { state = 'open', workload } = route.useSearch();
  const navigate = route.useNavigate();
  const incidents = useIncidents({ state, workload });
  const workloads = useWorkloads();
  const [opening, setOpening] = useState(false);
  return (
    <Page
      title="Incidents"
      actions={
        <>
          <Switch
            label="State"
            options={states}
            value={state}
            onChange={(value) => void navigate({ search: (it) => ({ ...it, state: value }) })}
          />
          <NativeSelect
            size="xs"
            aria-label="Workload"
            value={workload ?? ''}
            onChange={(event) => {
              const chosen = event.currentTarget.value || undefined;
              void navigate({ search: (it) => ({ ...it, workload: chosen }) });
            }}
            data={[
              { value: '', label: 'All workloads' },
              ...(workloads.data?.items ?? []).map((it) => ({
                value: it.name,
                label: it.display_name || it.name,
              })),
            ]}
          />
          <CommandButton leftSection={<IconPlus size={15} />} onClick={() => setOpening(true)}>
            Open an incident
          </CommandButton>
        </>
      }
    >
      <Panel
        title={state === 'open' ? 'Open now' : state === 'resolved' ? 'Resolved' : 'All'}
        flush
      >
        <Loaded query={incidents} rows={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={state === 'open' ? 'No incident is open' : 'No incident to show'}>
                {state === 'open' ? (
                  <Link to="/incidents" search={{ state: 'all' }}>
                    Look at earlier ones
                  </Link>
                ) : (
                  'Alerts that page, and people, open incidents.'
                )}
              </Empty>
            ) : (
              <IncidentTable incidents={state === 'open' ? [...items].sort(byUrgency) : items} />
            )
          }
        </Loaded>
      </Panel>
      {opening && (
        <OpenDialog
          workloads={(workloads.data?.items ?? []).map((it) => it.name)}
          close={() => setOpening(false)}
        />
      )}
    </Page>
  );
}

export function IncidentTable({ incidents }: { incidents: Incident[] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Severity</th>
          <th>Incident</th>
          <th>State</th>
          <th className="wide">Who has it</th>
          <th className="wide">Opened</th>
          <th className="num wide">Lasted</th>
        </tr>
      </thead>
      <tbody>
        {incidents.map((incident) => (
          <tr key={incident.id}>
            <td>
              <SeverityMark severity={incident.severity} />
            </td>
            <td>
              <Link to="/incidents/$id" params={{ id: incident.id }} className="title-link">
                {incident.title}
              </Link>
              <span className="sub">
                {incident.id} · {incident.workload}
              </span>
            </td>
            <td>
              <StatusMark state={incident.state} />
            </td>
            <td className="wide">
              {formatActor(incident.commander || incident.acknowledged_by) || (
                <span className="dim">nobody yet</span>
              )}
            </td>
            <td className="wide nowrap">
              <Time at={incident.opened_at} />
            </td>
            <td className="num nowrap wide">
              <Elapsed from={incident.opened_at} to={incident.resolved_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function OpenDialog({ workloads, close }: { workloads: string[]; close: () => void }) {
  const navigate = useNavigate();
  const [title, setTitle] = useState('');
  const [workload, setWorkload] = useState(workloads[0] ?? '');
  const [severity, setSeverity] = useState('3');
  const open = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/incidents', {
          body: { title, workload, severity: Number(severity) },
        }),
      ),
    touches: ['incidents', 'workloads'],
    onDone: (incident) => {
      close();
      void navigate({ to: '/incidents/$id', params: { id: incident.id } });
    },
  });
  return (
    <Modal opened onClose={close} title="Open an incident">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          open.mutate();
        }}
      >
        <TextInput
          label="What is wrong?"
          placeholder="Customers cannot pay"
          required
          data-autofocus
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <NativeSelect
          label="Workload"
          data={workloads}
          value={workload}
          onChange={(event) => setWorkload(event.currentTarget.value)}
        />
        <NativeSelect
          label="Severity"
          value={severity}
          onChange={(event) => setSeverity(event.currentTarget.value)}
          data={[
            { value: '1', label: '1: critical' },
            { value: '2', label: '2: major' },
            { value: '3', label: '3: minor' },
            { value: '4', label: '4: low' },
          ]}
        />
        <Button type="submit" loading={open.isPending} disabled={title.trim() === ''}>
          Open
        </Button>
      </form>
    </Modal>
  );
}
