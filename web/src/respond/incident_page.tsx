// One incident, live: what is happening, who has it, what was done, what to do next.
import { Button, Modal, NativeSelect, Textarea, TextInput } from '@mantine/core';
import {
  IconArrowUp,
  IconBell,
  IconCheck,
  IconChecks,
  IconMessage,
  IconPlayerPlay,
  IconPoint,
  IconRocket,
  IconShieldCheck,
  IconSpeakerphone,
  IconUrgent,
  IconUserCheck,
  type Icon,
} from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { NamesOf } from '../catalog/names';
import { ChangeList } from '../change/change_list';
import { mergeChanges, useChanges, useDeployments } from '../change/change_queries';
import { AlertEvidence } from '../health/alert_evidence';
import { KpiChart } from '../health/kpi_chart';
import { useKpis } from '../health/health_queries';
import { useAnalyses } from '../improve/analysis_queries';
import { answer, client, type Schemas } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { formatActor, formatNumber } from '../platform/format';
import { usePageKeys } from '../platform/keyboard';
import { Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { SeverityMark, StatusMark } from '../platform/status';
import { Elapsed, Time } from '../platform/time';
import { isWaitingForAPerson, useRunbooks, useRuns } from '../procedures/run_queries';
import { useAcknowledge } from './incident_attention';
import { useIncident, type IncidentDetail } from './incident_queries';

const route = getRouteApi('/incidents/$id');
const touches = ['incidents', 'workloads', 'journal'];

export function IncidentPage() {
  const { id } = route.useParams();
  const incident = useIncident(id);
  return (
    <Loaded query={incident} rows={8}>
      {(data) => <IncidentView incident={data} />}
    </Loaded>
  );
}

function IncidentView({ incident }: { incident: IncidentDetail }) {
  return (
    <Page
      title={incident.title}
      before={<SeverityMark severity={incident.severity} />}
      after={<StatusMark state={incident.state} />}
      lead={
        <>
          {incident.id} ·{' '}
          <Link to="/workloads/$name" params={{ name: incident.workload }}>
            {incident.workload}
          </Link>{' '}
          · opened <Time at={incident.opened_at} /> · lasted{' '}
          <Elapsed from={incident.opened_at} to={incident.resolved_at} />
        </>
      }
      actions={<Commands incident={incident} />}
    >
      <Stages incident={incident} />
      <AnalysisLink incident={incident} />
      <div className="columns">
        <div>
          <Runs incident={incident} />
          <Timeline incident={incident} />
        </div>
        <div>
          <AtRisk incident={incident} />
          <Alerts incident={incident} />
          <People incident={incident} />
          <Updates incident={incident} />
          <BeforeIt incident={incident} />
        </div>
      </div>
    </Page>
  );
}

function Stages({ incident }: { incident: IncidentDetail }) {
  const stages: [string, string | null | undefined, string][] = [
    ['Triggered', incident.opened_at, ''],
    ['Acknowledged', incident.acknowledged_at, formatActor(incident.acknowledged_by)],
    ['Mitigated', incident.mitigated_at, ''],
    ['Resolved', incident.resolved_at, ''],
  ];
  return (
    <ol className="stages" aria-label="Progress">
      {stages.map(([name, at, by]) => (
        <li key={name} data-reached={Boolean(at)}>
          <span className="stage-name">
            {at ? <IconCheck size={15} aria-hidden /> : <IconPoint size={15} aria-hidden />}
            {name}
          </span>
          <span className="small">
            {at ? <Time at={at} as="clock" /> : incident.resolved_at ? 'not marked' : 'not yet'}
            {by && ` · ${by}`}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Commands({ incident }: { incident: IncidentDetail }) {
  const { id } = incident;
  const path = { path: { id } };
  const [dialog, setDialog] = useState<'escalate' | 'resolve' | 'severity'>();
  const acknowledge = useAcknowledge(id);
  const mitigate = useCommand({
    run: () => answer(client.POST('/api/v1/incidents/{id}/mitigate', { params: path })),
    touches,
    done: 'Mitigated: customers no longer feel it',
  });
  const isOpen = incident.state !== 'resolved';
  usePageKeys(
    isOpen
      ? [
          ...(incident.state === 'triggered'
            ? [{ key: 'a', label: 'Acknowledge', run: () => acknowledge.mutate() }]
            : []),
          { key: 'e', label: 'Escalate', run: () => setDialog('escalate') },
          { key: 's', label: 'Change the severity', run: () => setDialog('severity') },
          { key: 'r', label: 'Resolve', run: () => setDialog('resolve') },
          { key: 'n', label: 'Add a note', run: () => document.getElementById('note')?.focus() },
        ]
      : [],
  );
  if (!isOpen) return null;
  return (
    <>
      {incident.state === 'triggered' && (
        <CommandButton onClick={() => acknowledge.mutate()} loading={acknowledge.isPending}>
          Acknowledge
        </CommandButton>
      )}
      <CommandButton variant="default" onClick={() => setDialog('escalate')}>
        Escalate
      </CommandButton>
      <CommandButton variant="default" onClick={() => setDialog('severity')}>
        Severity
      </CommandButton>
      {incident.state !== 'mitigated' && (
        <CommandButton
          variant="default"
          onClick={() => mitigate.mutate()}
          loading={mitigate.isPending}
        >
          Mitigated
        </CommandButton>
      )}
      <CommandButton
        variant={incident.state === 'triggered' ? 'default' : 'filled'}
        onClick={() => setDialog('resolve')}
      >
        Resolve
      </CommandButton>
      {dialog === 'escalate' && (
        <ReasonDialog
          title="Escalate to the next level"
          text="The next level of the escalation policy is paged at once. Asking early is good practice."
          action="Escalate"
          run={(reason) =>
            answer(
              client.POST('/api/v1/incidents/{id}/escalate', { params: path, body: { reason } }),
            )
          }
          close={() => setDialog(undefined)}
        />
      )}
      {dialog === 'resolve' && (
        <ReasonDialog
          title="Resolve"
          text="It is over. A post-incident analysis is drafted from what was recorded."
          action="Resolve"
          run={(reason) =>
            answer(
              client.POST('/api/v1/incidents/{id}/resolve', { params: path, body: { reason } }),
            )
          }
          close={() => setDialog(undefined)}
        />
      )}
      {dialog === 'severity' && (
        <SeverityDialog incident={incident} close={() => setDialog(undefined)} />
      )}
    </>
  );
}

interface ReasonDialogProps {
  title: string;
  text: string;
  action: string;
  run: (reason: string) => Promise<unknown>;
  close: () => void;
}

function ReasonDialog({ title, text, action, run, close }: ReasonDialogProps) {
  const [reason, setReason] = useState('');
  const command = useCommand({ run: () => run(reason), touches, onDone: close });
  return (
    <Modal opened onClose={close} title={title}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          command.mutate();
        }}
      >
        <p className="dim">{text}</p>
        <TextInput
          label="Why? (for the timeline)"
          data-autofocus
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <Button type="submit" loading={command.isPending}>
          {action}
        </Button>
      </form>
    </Modal>
  );
}

function SeverityDialog({ incident, close }: { incident: IncidentDetail; close: () => void }) {
  const [severity, setSeverity] = useState(String(incident.severity));
  const [reason, setReason] = useState('');
  const command = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/incidents/{id}/severity', {
          params: { path: { id: incident.id } },
          body: { severity: Number(severity), reason },
        }),
      ),
    touches,
    onDone: close,
  });
  return (
    <Modal opened onClose={close} title="Change the severity">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          command.mutate();
        }}
      >
        <NativeSelect
          label="Severity"
          data={['1', '2', '3', '4']}
          value={severity}
          onChange={(event) => setSeverity(event.currentTarget.value)}
        />
        <TextInput
          label="Why?"
          required
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <Button type="submit" loading={command.isPending}>
          Change
        </Button>
      </form>
    </Modal>
  );
}

function AnalysisLink({ incident }: { incident: IncidentDetail }) {
  const analyses = useAnalyses(incident.id);
  const analysis = analyses.data?.items.find((it) => it.incident === incident.id);
  if (incident.state !== 'resolved' || !analysis) return null;
  return (
    <div className="attention-item" data-edge={analysis.state === 'signed' ? 'good' : 'warn'}>
      <StatusMark state={analysis.state} />
      <div className="attention-text">
        <Link to="/analyses/$id" params={{ id: analysis.id }} className="title-link">
          Post-incident analysis
        </Link>
        <span className="sub">
          {analysis.state === 'signed'
            ? 'Signed'
            : 'Drafted from the journal: read it, add what only you know, sign it'}
        </span>
      </div>
    </div>
  );
}

const timelineIcons: [string, Icon][] = [
  ['incident.acknowledged', IconUserCheck],
  ['incident.escalated', IconArrowUp],
  ['incident.mitigated', IconShieldCheck],
  ['incident.resolved', IconChecks],
  ['incident.note_added', IconMessage],
  ['incident.role_assigned', IconUserCheck],
  ['page.', IconBell],
  ['status.', IconSpeakerphone],
  ['run.', IconPlayerPlay],
  ['automation.', IconPlayerPlay],
  ['deployment.', IconRocket],
  ['change.', IconRocket],
  ['incident.', IconUrgent],
  ['alert.', IconUrgent],
];

function timelineIcon(type: string): ReactNode {
  const Found = timelineIcons.find(([prefix]) => type.startsWith(prefix))?.[1] ?? IconPoint;
  return <Found size={14} aria-hidden />;
}

function Timeline({ incident }: { incident: IncidentDetail }) {
  const newestFirst = [...incident.timeline].sort((left, right) => right.seq - left.seq);
  return (
    <Panel
      title="Timeline"
      aside={
        <Link to="/journal" search={{ correlation: incident.id }}>
          Every fact
        </Link>
      }
    >
      <NoteForm id={incident.id} />
      {newestFirst.length === 0 && <Empty title="Nothing is recorded yet" />}
      <ol className="timeline" aria-label="Timeline, newest first">
        {newestFirst.map((entry) => (
          <li key={entry.seq}>
            <span className="timeline-time">
              <Time at={entry.time} as="clock" />
            </span>
            <span className="timeline-icon">{timelineIcon(entry.type)}</span>
            <span className="timeline-text">
              {entry.text}{' '}
              <span className="dim small">
                {formatActor(entry.actor) !== 'system' && formatActor(entry.actor)}
              </span>{' '}
              <Link to="/journal" search={{ seq: String(entry.seq) }} className="source">
                #{entry.seq}
              </Link>
              {entry.links.map((link) => (
                <a key={link.href} href={link.href} className="source">
                  {link.title || link.href}
                </a>
              ))}
            </span>
          </li>
        ))}
      </ol>
      {incident.timeline_cut && (
        <p className="dim small">
          What happened before that is only in the journal: see “Every fact”.
        </p>
      )}
    </Panel>
  );
}

function NoteForm({ id }: { id: string }) {
  const [text, setText] = useState('');
  const add = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/incidents/{id}/notes', { params: { path: { id } }, body: { text } }),
      ),
    touches,
    onDone: () => setText(''),
  });
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') add.mutate();
      }}
    >
      <TextInput
        id="note"
        className="grow"
        size="xs"
        aria-label="Note"
        placeholder="What do you see, try, decide?"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <CommandButton
        type="submit"
        size="xs"
        variant="default"
        disabled={text.trim() === ''}
        loading={add.isPending}
      >
        Add note
      </CommandButton>
    </form>
  );
}

function Runs({ incident }: { incident: IncidentDetail }) {
  const runbooks = useRunbooks();
  const runs = useRuns({ incident: incident.id }).data?.items ?? [];
  const suitable = (runbooks.data?.items ?? []).filter(
    (it) => it.name === incident.procedure || it.workload === incident.workload,
  );
  return (
    <Panel title="Procedures" flush>
      {runs.length + suitable.length === 0 && (
        <Empty title="No procedure for this workload">
          Write a Runbook and name it in the alert, so that the next person knows what to do.
        </Empty>
      )}
      <ul className="list">
        {runs.map((run) => (
          <li key={run.id} className="list-line">
            <span>
              <Link to="/runs/$id" params={{ id: run.id }} className="title-link">
                {run.runbook}
              </Link>
              <span className="dim small">
                {' '}
                · started <Time at={run.started_at} /> by {formatActor(run.by)}
              </span>
            </span>
            <span className="row">
              <StatusMark state={run.state} />
              {isWaitingForAPerson(run) && (
                <Link to="/runs/$id" params={{ id: run.id }}>
                  Decide
                </Link>
              )}
            </span>
          </li>
        ))}
        {incident.state !== 'resolved' &&
          suitable.map((runbook) => (
            <li key={runbook.name} className="list-line">
              <span>
                {runbook.title || runbook.name}
                {runbook.name === incident.procedure && (
                  <span className="dim small"> · named by the alert</span>
                )}
              </span>
              <Link
                to="/procedures/$name"
                params={{ name: runbook.name }}
                search={{ incident: incident.id }}
              >
                Run…
              </Link>
            </li>
          ))}
      </ul>
    </Panel>
  );
}

function AtRisk({ incident }: { incident: IncidentDetail }) {
  const kpis = useKpis(incident.workload);
  const kpi =
    kpis.data?.items.find((it) => it.name === incident.kpi) ??
    kpis.data?.items.find((it) => it.status === 'missed' || it.status === 'at_risk');
  if (!kpi) return null;
  return (
    <Panel title={incident.state === 'resolved' ? 'The outcome' : 'Outcome at risk'}>
      <KpiChart kpi={kpi} seconds={3600} />
    </Panel>
  );
}

function Alerts({ incident }: { incident: IncidentDetail }) {
  return (
    <Panel title="Alerts" flush>
      {incident.alerts.length === 0 && <Empty title="Opened by hand: no alert" />}
      <ul className="list">
        {incident.alerts.map((alert) => (
          <li key={alert.fingerprint} className="list-line">
            <span>
              {alert.alert}
              <AlertEvidence fingerprint={alert.fingerprint} />
            </span>
            <span className="row nowrap">
              {alert.value !== null && alert.value !== undefined && (
                <span className="dim small">{formatNumber(alert.value)}</span>
              )}
              <StatusMark state={alert.firing ? 'triggered' : 'resolved'} bare />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const roleNames = ['commander', 'communications', 'scribe'] as const;

function People({ incident }: { incident: IncidentDetail }) {
  const { id } = incident;
  const [role, setRole] = useState<(typeof roleNames)[number]>('commander');
  const [person, setPerson] = useState('');
  const assign = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/incidents/{id}/roles', {
          params: { path: { id } },
          body: { role, person: person.trim() },
        }),
      ),
    touches,
    onDone: () => setPerson(''),
  });
  return (
    <Panel title="People" aside={`level ${incident.level}`}>
      <div className="stack">
        <dl className="pairs">
          {roleNames.map((name) => (
            <RoleLine key={name} name={name} person={incident.roles[name]} />
          ))}
        </dl>
        {incident.state !== 'resolved' && (
          <form
            className="row"
            onSubmit={(event) => {
              event.preventDefault();
              if (person.trim() !== '') assign.mutate();
            }}
          >
            <NativeSelect
              size="xs"
              aria-label="Role"
              value={role}
              onChange={(event) =>
                setRole(roleNames.find((it) => it === event.currentTarget.value) ?? 'commander')
              }
              data={[...roleNames]}
            />
            <TextInput
              size="xs"
              className="grow"
              aria-label="Person"
              placeholder="person"
              list="persons"
              value={person}
              onChange={(event) => setPerson(event.currentTarget.value)}
            />
            <NamesOf id="persons" kind="Person" />
            <CommandButton type="submit" size="xs" variant="default" loading={assign.isPending}>
              Assign
            </CommandButton>
          </form>
        )}
        {incident.paged.length > 0 && (
          <ul className="list" aria-label="Pages">
            {incident.paged.map((page, index) => (
              <li key={index} className="list-line">
                <span>
                  {page.person} <span className="dim small">by {page.channel}</span>
                  {page.error && <span className="sub-error small">{page.error}</span>}
                </span>
                <span className="row nowrap">
                  <StatusMark state={page.state} bare />
                  <span className="dim small">
                    <Time at={page.at} />
                  </span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}

function RoleLine({ name, person }: { name: string; person: string | undefined }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{person ? formatActor(person) : <span className="dim">open</span>}</dd>
    </>
  );
}

const updateStates = ['investigating', 'identified', 'monitoring', 'resolved'] as const;
type UpdateState = Schemas['UpdateRequest']['state'];

function Updates({ incident }: { incident: IncidentDetail }) {
  const { id } = incident;
  const [state, setState] = useState<UpdateState>('investigating');
  const [text, setText] = useState('');
  const post = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/incidents/{id}/updates', {
          params: { path: { id } },
          body: { state, text },
        }),
      ),
    touches: [...touches, 'status-pages'],
    done: 'Customers are told',
    onDone: () => setText(''),
  });
  return (
    <Panel
      title="Told to customers"
      aside={
        incident.next_update_due && (
          <span>
            next promised <Time at={incident.next_update_due} />
          </span>
        )
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') post.mutate();
        }}
      >
        <Textarea
          size="xs"
          autosize
          minRows={2}
          aria-label="Update for customers"
          placeholder="What is affected, what to do, when you will hear more"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <div className="row">
          <NativeSelect
            size="xs"
            className="grow"
            aria-label="State for customers"
            value={state}
            onChange={(event) =>
              setState(updateStates.find((it) => it === event.currentTarget.value) ?? state)
            }
            data={[...updateStates]}
          />
          <CommandButton
            type="submit"
            size="xs"
            disabled={text.trim() === ''}
            loading={post.isPending}
          >
            Post update
          </CommandButton>
        </div>
      </form>
      {incident.updates.length > 0 && (
        <ul className="list">
          {incident.updates.map((update) => (
            <li key={update.time}>
              <span className="strong">{update.state}</span>{' '}
              <span className="dim small">
                <Time at={update.time} />
              </span>
              <br />
              {update.text}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const kBeforeMs = 6 * 3600 * 1000;

function BeforeIt({ incident }: { incident: IncidentDetail }) {
  const deployments = useDeployments(incident.workload);
  const changes = useChanges(incident.workload);
  const opened = Date.parse(incident.opened_at);
  const before = mergeChanges(deployments.data?.items ?? [], changes.data?.items ?? []).filter(
    ({ at }) => Date.parse(at) <= opened && opened - Date.parse(at) < kBeforeMs,
  );
  return (
    <Panel title="Changed in the 6 hours before" flush>
      {before.length === 0 ? (
        <Empty title="Nothing recorded" />
      ) : (
        <ChangeList changes={before.slice(0, 6)} />
      )}
    </Panel>
  );
}
