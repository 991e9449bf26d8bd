// A post-incident analysis: every sentence with the facts it rests on. People add what no record knows, then sign.
import { Button, Modal, Textarea, TextInput } from '@mantine/core';
import { IconPencil } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { NamesOf } from '../catalog/names';
import { answer, client, type Schemas } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { formatActor, words } from '../platform/format';
import { Page, Panel } from '../platform/page';
import { Loaded } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Time } from '../platform/time';
import { ActionList } from './action_list';
import { useAnalysis, type Analysis } from './analysis_queries';

const route = getRouteApi('/analyses/$id');
const touches = ['analyses', 'actions', 'assessment', 'journal'];

export function AnalysisPage() {
  const { id } = route.useParams();
  const analysis = useAnalysis(id);
  return (
    <Loaded query={analysis} rows={10}>
      {(data) => <AnalysisView analysis={data} />}
    </Loaded>
  );
}

function AnalysisView({ analysis }: { analysis: Analysis }) {
  const draft = analysis.state === 'draft';
  const sign = useCommand({
    run: () =>
      answer(client.POST('/api/v1/analyses/{id}/sign', { params: { path: { id: analysis.id } } })),
    touches,
    done: 'Signed',
  });
  return (
    <Page
      title={analysis.title || `Analysis of ${analysis.incident}`}
      after={<StatusMark state={analysis.state} />}
      lead={
        <>
          {analysis.id} · about{' '}
          <Link to="/incidents/$id" params={{ id: analysis.incident }}>
            {analysis.incident}
          </Link>
          {analysis.signed_by && (
            <>
              {' '}
              · signed by {formatActor(analysis.signed_by)}{' '}
              {analysis.signed_at && <Time at={analysis.signed_at} />}
            </>
          )}
        </>
      }
      actions={
        draft && (
          <CommandButton onClick={() => sign.mutate()} loading={sign.isPending}>
            Sign
          </CommandButton>
        )
      }
    >
      <div className="columns">
        <div>
          {analysis.sections.map((section) => (
            <Section key={section.name} analysis={analysis} section={section} />
          ))}
        </div>
        <div>
          <Panel title="Actions" flush>
            <ActionList
              actions={analysis.actions}
              empty="No action yet: what makes this less likely, or shorter?"
            />
            <NewAction analysis={analysis.id} />
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Section({
  analysis,
  section,
}: {
  analysis: Analysis;
  section: Schemas['AnalysisSection'];
}) {
  const [editing, setEditing] = useState(false);
  const title = words(section.name);
  return (
    <Panel
      title={title.charAt(0).toUpperCase() + title.slice(1)}
      aside={
        analysis.state === 'draft' && (
          <CommandButton
            size="compact-xs"
            variant="subtle"
            leftSection={<IconPencil size={13} />}
            onClick={() => setEditing(true)}
          >
            Write
          </CommandButton>
        )
      }
    >
      {section.sentences.length === 0 && (
        <p className="dim">Nothing was recorded for this. Write what you know.</p>
      )}
      {section.sentences.map((sentence, index) => (
        <p key={index} className="sentence">
          <SentenceText text={sentence.text} />
          {sentence.sources.map((seq) => (
            <Link key={seq} to="/journal" search={{ seq: String(seq) }} className="source">
              #{seq}
            </Link>
          ))}
          {section.edited_by && (
            <span className="dim small"> written by {formatActor(section.edited_by)}</span>
          )}
        </p>
      ))}
      {editing && (
        <SectionDialog analysis={analysis.id} section={section} close={() => setEditing(false)} />
      )}
    </Panel>
  );
}

/** A line of the timeline begins with its time, in UTC; a reader sees it in their own zone. */
function SentenceText({ text }: { text: string }) {
  const [time = '', at = ''] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) /.exec(text) ?? [];
  if (at === '') return text;
  return (
    <>
      <span className="sentence-time">
        <Time at={at} as="clock" />
      </span>{' '}
      {text.slice(time.length)}
    </>
  );
}

/** Begins with what stands there, drafted or written: what is saved takes its place. */
export function SectionDialog({
  analysis,
  section,
  close,
}: {
  analysis: string;
  section: Schemas['AnalysisSection'];
  close: () => void;
}) {
  const [text, setText] = useState(section.sentences.map((it) => it.text).join('\n'));
  const save = useCommand({
    run: () =>
      answer(
        client.POST('/api/v1/analyses/{id}/sections', {
          params: { path: { id: analysis } },
          body: { section: section.name, text },
        }),
      ),
    touches,
    onDone: close,
  });
  return (
    <Modal opened onClose={close} title={words(section.name)} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Textarea
          label="In your words"
          description="Your text takes the place of what stands here, recorded under your name as its own source."
          autosize
          minRows={5}
          data-autofocus
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" loading={save.isPending} disabled={text.trim() === ''}>
          Save
        </Button>
      </form>
    </Modal>
  );
}

const kFortnightMs = 14 * 86400 * 1000;

function NewAction({ analysis }: { analysis: string }) {
  const [title, setTitle] = useState('');
  const [owner, setOwner] = useState('');
  const [due, setDue] = useState(() =>
    new Date(Date.now() + kFortnightMs).toISOString().slice(0, 10),
  );
  const create = useCommand({
    run: () => answer(client.POST('/api/v1/actions', { body: { analysis, title, owner, due } })),
    touches,
    onDone: () => setTitle(''),
  });
  return (
    <form
      className="panel-body stack"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <TextInput
        size="xs"
        label="New action"
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
      />
      <div className="row">
        <TextInput
          size="xs"
          className="grow"
          label="Owner"
          list="teams"
          value={owner}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
        <NamesOf id="teams" kind="Team" />
        <TextInput
          size="xs"
          type="date"
          label="Due"
          value={due}
          onChange={(event) => setDue(event.currentTarget.value)}
        />
      </div>
      <CommandButton
        type="submit"
        size="compact-sm"
        variant="default"
        disabled={title.trim() === '' || owner.trim() === '' || due === ''}
        loading={create.isPending}
      >
        Add
      </CommandButton>
    </form>
  );
}
