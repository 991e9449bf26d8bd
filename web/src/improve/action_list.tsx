import { Button, Modal, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { answer, client } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { Empty } from '../platform/states';
import { StatusMark } from '../platform/status';
import { formatDay } from '../platform/time';
import type { Action } from './analysis_queries';
import { Effect } from './effect';

interface ActionListProps {
  actions: Action[];
  empty: string;
  hint?: ReactNode; // what to do about it
}

export function ActionList({ actions, empty, hint }: ActionListProps) {
  const [finishing, setFinishing] = useState<Action>();
  const today = new Date().toISOString().slice(0, 10);
  if (actions.length === 0) return <Empty title={empty}>{hint}</Empty>;
  return (
    <>
      <ul className="list">
        {actions.map((action) => (
          <li key={action.id} className="list-line">
            <span>
              <span className="strong">{action.title}</span>
              <span className="dim small">
                {' '}
                · {action.owner} · due {formatDay(action.due)}
                {action.state === 'open' && action.due.slice(0, 10) < today && (
                  <span data-tone="bad"> (overdue)</span>
                )}
                {action.analysis && (
                  <>
                    {' · '}
                    <Link to="/analyses/$id" params={{ id: action.analysis }}>
                      {action.analysis}
                    </Link>
                  </>
                )}
                {action.proof && ` · ${action.proof}`}
              </span>
              <Effect expects={action.expects} effect={action.effect} />
            </span>
            {action.state === 'finished' ? (
              <StatusMark state="finished" />
            ) : (
              <CommandButton
                size="compact-sm"
                variant="default"
                onClick={() => setFinishing(action)}
              >
                Finish
              </CommandButton>
            )}
          </li>
        ))}
      </ul>
      {finishing && <FinishDialog action={finishing} close={() => setFinishing(undefined)} />}
    </>
  );
}

export function FinishDialog({ action, close }: { action: Action; close: () => void }) {
  const [proof, setProof] = useState('');
  const finish = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/actions/{id}/finish', {
          params: { path: { id: action.id } },
          body: { proof },
        }),
      ),
    touches: ['actions', 'analyses', 'assessment'],
    onDone: close,
  });
  return (
    <Modal opened onClose={close} title={action.title}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          finish.mutate();
        }}
      >
        <TextInput
          label="What shows that it is done?"
          placeholder="a link, a commit, a test that now passes"
          required
          data-autofocus
          value={proof}
          onChange={(event) => setProof(event.currentTarget.value)}
        />
        {!action.expects && (
          <p className="dim small">
            Nothing will be checked: this action does not say what it is to change, and once it is
            finished it cannot be said any more. Say it first with{' '}
            <code>wellrun action expect {action.id}</code>.
          </p>
        )}
        <Button type="submit" loading={finish.isPending} disabled={proof.trim() === ''}>
          Finish
        </Button>
      </form>
    </Modal>
  );
}
