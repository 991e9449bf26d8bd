// One run, live: what each step does and says; approve, decide, cancel, judge.
import { Button, TextInput } from '@mantine/core';
import { IconThumbDown, IconThumbUp } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, client } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { formatActor } from '../platform/format';
import { Page, Panel } from '../platform/page';
import { Loaded } from '../platform/states';
import { StatusIcon, StatusMark } from '../platform/status';
import { Elapsed, formatDuration, Time } from '../platform/time';
import type { Role } from '../platform/session';
import { useRun, type RunDetail, type RunStep } from './run_queries';

const route = getRouteApi('/runs/$id');
const touches = ['runs', 'runbooks', 'incidents', 'journal'];

export function RunPage() {
  const { id } = route.useParams();
  const run = useRun(id);
  return (
    <Loaded query={run} rows={8}>
      {(data) => <RunView run={data} />}
    </Loaded>
  );
}

function RunView({ run }: { run: RunDetail }) {
  const finished = ['succeeded', 'failed', 'cancelled'].includes(run.state);
  const cancel = useCommand({
    run: () =>
      answer(client.POST('/api/v1/runs/{id}/cancel', { params: { path: { id: run.id } } })),
    touches,
    done: 'Cancelled: what is under way ends first',
  });
  return (
    <Page
      title={run.runbook}
      after={<StatusMark state={run.state} />}
      lead={
        <>
          {run.id} · by {formatActor(run.by)} · started <Time at={run.started_at} />
          {' · took '}
          <Elapsed from={run.started_at} to={run.finished_at} />
          {run.incident && (
            <>
              {' · for '}
              <Link to="/incidents/$id" params={{ id: run.incident }}>
                {run.incident}
              </Link>
            </>
          )}
        </>
      }
      actions={
        <>
          <Link to="/procedures/$name" params={{ name: run.runbook }}>
            The procedure
          </Link>
          {!finished && (
            <CommandButton
              variant="default"
              onClick={() => cancel.mutate()}
              loading={cancel.isPending}
            >
              Cancel the run
            </CommandButton>
          )}
        </>
      }
    >
      <div className="columns">
        <div>
          <Panel title="Steps" flush>
            <ol className="steps" aria-live="polite">
              {run.steps.map((step) => (
                <Step key={step.index} run={run} step={step} />
              ))}
            </ol>
          </Panel>
        </div>
        <div>
          <Panel title="Inputs">
            {Object.keys(run.inputs).length === 0 && <p className="dim">none</p>}
            <dl className="pairs">
              {Object.entries(run.inputs).map(([name, value]) => (
                <Pair key={name} name={name} value={value} />
              ))}
            </dl>
          </Panel>
          {finished && <Verdict run={run} />}
        </div>
      </div>
    </Page>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="mono">{value}</dd>
    </>
  );
}

function Step({ run, step }: { run: RunDetail; step: RunStep }) {
  const current = ['running', 'waiting_approval', 'unknown'].includes(step.state);
  return (
    <li className="step" data-current={current}>
      <StatusIcon state={step.state} />
      <div>
        <div className="list-line">
          <span className="row">
            <span className="strong">{step.name}</span>
            <span className="tag">{step.kind}</span>
            {step.attempt > 1 && <span className="dim small">attempt {step.attempt}</span>}
          </span>
          <span className="dim small nowrap">
            {step.state === 'running' ? (
              <Elapsed from={step.started_at} />
            ) : (
              step.duration_ms !== null &&
              step.duration_ms !== undefined &&
              step.state !== 'pending' &&
              formatDuration(step.duration_ms / 1000)
            )}
            {step.kind === 'run' &&
              step.exit_code !== null &&
              step.exit_code !== undefined &&
              step.exit_code !== 0 &&
              ` · exit ${step.exit_code}`}
          </span>
        </div>
        {step.error && <p className="failure-title">{step.error}</p>}
        {step.output && (
          <pre className="output" tabIndex={0} aria-label={`Output of ${step.name}`}>
            {step.output}
          </pre>
        )}
        {step.state === 'waiting_approval' && <Approve run={run} step={step} />}
        {step.state === 'unknown' && <Resume run={run} step={step} />}
      </div>
    </li>
  );
}

function roleNamed(name: string | undefined): Role {
  return name === 'operator' || name === 'admin' ? name : 'responder';
}

function Approve({ run, step }: { run: RunDetail; step: RunStep }) {
  const [comment, setComment] = useState('');
  const decide = useCommand<boolean>({
    run: (approved) =>
      answer(
        client.POST('/api/v1/runs/{id}/approve', {
          params: { path: { id: run.id } },
          body: { step: step.name, approved, comment },
        }),
      ),
    touches,
  });
  const role = roleNamed(step.role);
  return (
    <div className="ask">
      <p className="ask-text">{step.prompt || 'Shall it go on?'}</p>
      <TextInput
        size="xs"
        aria-label="Comment"
        placeholder="Comment (optional)"
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      <div className="row">
        <CommandButton role={role} onClick={() => decide.mutate(true)} loading={decide.isPending}>
          Approve
        </CommandButton>
        <CommandButton role={role} variant="default" onClick={() => decide.mutate(false)}>
          Refuse
        </CommandButton>
      </div>
    </div>
  );
}

function Resume({ run, step }: { run: RunDetail; step: RunStep }) {
  const resume = useCommand<'done' | 'retry' | 'abort'>({
    run: (decision) =>
      answer(
        client.POST('/api/v1/runs/{id}/resume', {
          params: { path: { id: run.id } },
          body: { step: step.name, decision },
        }),
      ),
    touches,
  });
  return (
    <div className="ask">
      <p className="ask-text">
        The server stopped while this step was under way, and it may not be repeated blindly. Look
        whether it took effect, then say so.
      </p>
      <div className="row">
        <CommandButton onClick={() => resume.mutate('done')}>It was done</CommandButton>
        <CommandButton variant="default" onClick={() => resume.mutate('retry')}>
          Do it again
        </CommandButton>
        <CommandButton variant="default" onClick={() => resume.mutate('abort')}>
          Give up
        </CommandButton>
      </div>
    </div>
  );
}

function Verdict({ run }: { run: RunDetail }) {
  const give = useCommand<boolean>({
    run: (helped) =>
      answer(
        client.POST('/api/v1/runs/{id}/verdict', {
          params: { path: { id: run.id } },
          body: { helped },
        }),
      ),
    touches,
    done: 'Thank you: it goes to the owner of the procedure',
  });
  const given = run.helped === true || run.helped === false;
  return (
    <Panel title="Did it help?">
      {given ? (
        <p>{run.helped ? 'Yes, it helped.' : 'No, it did not help.'}</p>
      ) : (
        <div className="row">
          <Button
            size="compact-md"
            variant="default"
            leftSection={<IconThumbUp size={15} />}
            onClick={() => give.mutate(true)}
          >
            Yes
          </Button>
          <Button
            size="compact-md"
            variant="default"
            leftSection={<IconThumbDown size={15} />}
            onClick={() => give.mutate(false)}
          >
            No
          </Button>
        </div>
      )}
    </Panel>
  );
}
