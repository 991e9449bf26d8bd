import { Link } from '@tanstack/react-router';
import { CommandButton, useCommand } from '../platform/command';
import { answer, client } from '../platform/api';
import { formatActor } from '../platform/format';
import { SeverityMark, StatusMark } from '../platform/status';
import { Elapsed } from '../platform/time';
import type { Incident } from './incident_queries';

export function useAcknowledge(id: string) {
  return useCommand({
    run: () =>
      answer(client.POST('/api/v1/incidents/{id}/acknowledge', { params: { path: { id } } })),
    touches: ['incidents', 'workloads', 'journal'],
    done: `${id} is yours: paging stopped`,
  });
}

/** One open incident in a line, with the one thing to do next. */
export function IncidentAttention({ incident }: { incident: Incident }) {
  const acknowledge = useAcknowledge(incident.id);
  return (
    <div className="attention-item" data-edge={incident.severity <= 2 ? 'bad' : 'warn'}>
      <SeverityMark severity={incident.severity} />
      <div className="attention-text">
        <Link to="/incidents/$id" params={{ id: incident.id }} className="title-link">
          {incident.title}
        </Link>
        <span className="sub">
          {incident.id} · {incident.workload} · for <Elapsed from={incident.opened_at} />
          {incident.acknowledged_by ? ` · ${formatActor(incident.acknowledged_by)} has it` : ''}
        </span>
      </div>
      <StatusMark state={incident.state} />
      {incident.state === 'triggered' && (
        <CommandButton onClick={() => acknowledge.mutate()} loading={acknowledge.isPending}>
          Acknowledge
        </CommandButton>
      )}
    </div>
  );
}
