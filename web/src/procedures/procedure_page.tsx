// One runbook: what it does, step by step; start it; how it fared.
import { TextInput } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, client } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { formatPercent } from '../platform/format';
import { Figure, Page, Panel } from '../platform/page';
import { Loaded } from '../platform/states';
import { Time } from '../platform/time';
import { useRunbook, useRuns, type Runbook } from './run_queries';
import { RunTable } from './runs_page';
import { describeStep } from './step_text';

const route = getRouteApi('/procedures/$name');

export function ProcedurePage() {
  const { name } = route.useParams();
  const runbook = useRunbook(name);
  return (
    <Loaded query={runbook} rows={8}>
      {(data) => <ProcedureView runbook={data} />}
    </Loaded>
  );
}

function ProcedureView({ runbook }: { runbook: Runbook }) {
  const runs = useRuns({ runbook: runbook.name });
  return (
    <Page
      title={runbook.title || runbook.name}
      lead={
        <>
          {runbook.name}
          {runbook.owner && ` · owned by ${runbook.owner}`}
          {runbook.description && ` · ${runbook.description}`}
        </>
      }
    >
      <div className="columns">
        <div>
          <Panel title="Steps" flush>
            <ol className="steps">
              {runbook.steps.map((step, index) => {
                const { name, kind, text } = describeStep(step);
                return (
                  <li key={index} className="step">
                    <span className="dim num">{index + 1}</span>
                    <div>
                      <span className="strong">{name}</span> <span className="tag">{kind}</span>
                      {text && <pre className="output">{text}</pre>}
                    </div>
                  </li>
                );
              })}
            </ol>
          </Panel>
          <Panel title="Runs" flush>
            <Loaded query={runs}>{({ items }) => <RunTable runs={items.slice(0, 20)} />}</Loaded>
          </Panel>
        </div>
        <div>
          <Start runbook={runbook} />
          <Panel title="How it fared">
            <div className="figures">
              <Figure label="runs" value={runbook.runs} />
              <Figure
                label="succeeded"
                value={runbook.runs > 0 ? formatPercent(runbook.success_rate, 0) : '–'}
              />
              <Figure label="last run" value={<Time at={runbook.last_run_at} none="never" />} />
            </div>
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Start({ runbook }: { runbook: Runbook }) {
  const { incident } = route.useSearch();
  const navigate = useNavigate();
  const [inputs, setInputs] = useState<Record<string, string>>(() =>
    Object.fromEntries(runbook.inputs.map((it) => [it.name, it.default ?? ''])),
  );
  const start = useCommand({
    run: () =>
      answer(client.POST('/api/v1/runs', { body: { runbook: runbook.name, inputs, incident } })),
    touches: ['runs', 'runbooks', 'incidents'],
    onDone: (run) => void navigate({ to: '/runs/$id', params: { id: run.id } }),
  });
  const missing = runbook.inputs.some((it) => it.required && !inputs[it.name]);
  return (
    <Panel title={incident ? `Run it for ${incident}` : 'Run it'}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!missing) start.mutate();
        }}
      >
        {runbook.inputs.map((input) => (
          <TextInput
            key={input.name}
            size="xs"
            label={input.name}
            description={
              input.secret
                ? `${input.description ?? ''} (env:NAME or file:/path)`
                : input.description
            }
            required={input.required}
            value={inputs[input.name] ?? ''}
            onChange={(event) => {
              const value = event.currentTarget.value;
              setInputs((before) => ({ ...before, [input.name]: value }));
            }}
          />
        ))}
        {runbook.inputs.length === 0 && <p className="dim">It needs no input.</p>}
        <CommandButton
          type="submit"
          leftSection={<IconPlayerPlay size={15} />}
          loading={start.isPending}
          disabled={missing}
        >
          Start
        </CommandButton>
      </form>
    </Panel>
  );
}
