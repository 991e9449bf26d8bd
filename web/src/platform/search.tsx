// Search over what there is: pages, workloads, incidents, procedures, analyses.
import { Modal, TextInput } from '@mantine/core';
import {
  IconActivityHeartbeat,
  IconBook2,
  IconFileDescription,
  IconFlame,
  IconSearch,
  type Icon,
} from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState, type KeyboardEvent } from 'react';
import { useWorkloads } from '../catalog/workload_queries';
import { useAnalyses } from '../improve/analysis_queries';
import { useRunbooks } from '../procedures/run_queries';
import { useIncidents } from '../respond/incident_queries';
import { places } from './navigation';

interface Hit {
  id: string;
  title: string;
  hint: string;
  icon: Icon;
  go: () => void;
}

const kMostHits = 12;

/** Every word of `text` must occur somewhere in `hay`. */
export function matches(text: string, hay: string): boolean {
  const lower = hay.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

function useHits(text: string): Hit[] {
  const navigate = useNavigate();
  const workloads = useWorkloads().data?.items ?? [];
  const incidents = useIncidents({ state: 'all' }).data?.items ?? [];
  const runbooks = useRunbooks().data?.items ?? [];
  const analyses = useAnalyses().data?.items ?? [];
  const all: Hit[] = [
    ...incidents.map((it) => ({
      id: `incident ${it.id}`,
      title: it.title,
      hint: `${it.id} · ${it.state}`,
      icon: IconFlame,
      go: () => void navigate({ to: '/incidents/$id', params: { id: it.id } }),
    })),
    ...workloads.map((it) => ({
      id: `workload ${it.name}`,
      title: it.display_name || it.name,
      hint: 'Workload',
      icon: IconActivityHeartbeat,
      go: () => void navigate({ to: '/workloads/$name', params: { name: it.name } }),
    })),
    ...runbooks.map((it) => ({
      id: `runbook ${it.name}`,
      title: it.title || it.name,
      hint: 'Procedure',
      icon: IconBook2,
      go: () => void navigate({ to: '/procedures/$name', params: { name: it.name } }),
    })),
    ...analyses.map((it) => ({
      id: `analysis ${it.id}`,
      title: it.title || `Analysis of ${it.incident}`,
      hint: `${it.id} · ${it.state}`,
      icon: IconFileDescription,
      go: () => void navigate({ to: '/analyses/$id', params: { id: it.id } }),
    })),
  ];
  const pages: Hit[] = places.map((it) => ({
    id: `page ${it.to}`,
    title: it.label,
    hint: `g ${it.key}`,
    icon: it.icon,
    go: () => void navigate({ to: it.to }),
  }));
  const found = text === '' ? pages : [...pages, ...all];
  return found.filter((hit) => matches(text, `${hit.title} ${hit.id}`)).slice(0, kMostHits);
}

export function SearchDialog({ close }: { close: () => void }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const hits = useHits(text.trim());
  const index = Math.min(chosen, Math.max(0, hits.length - 1));

  const choose = (hit: Hit | undefined) => {
    if (!hit) return;
    close();
    hit.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen(Math.min(index + 1, hits.length - 1));
    else if (event.key === 'ArrowUp') setChosen(Math.max(index - 1, 0));
    else if (event.key === 'Enter') choose(hits[index]);
    else return;
    event.preventDefault();
  };

  return (
    <Modal opened onClose={close} withCloseButton={false} padding={0} aria-label="Search" size="lg">
      <TextInput
        data-autofocus
        size="md"
        variant="unstyled"
        className="search-input"
        leftSection={<IconSearch size={17} aria-hidden />}
        placeholder="Workload, incident, procedure, page"
        aria-label="Search"
        role="combobox"
        aria-expanded
        aria-controls="search-hits"
        aria-activedescendant={hits[index] ? `search-hit-${index}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="search-hits" role="listbox" aria-label="Found" className="search-hits">
        {hits.map((hit, at) => (
          <div
            key={hit.id}
            id={`search-hit-${at}`}
            role="option"
            aria-selected={at === index}
            className="search-hit"
            onMouseEnter={() => setChosen(at)}
            onClick={() => choose(hit)}
          >
            <hit.icon size={16} aria-hidden />
            <span>{hit.title}</span>
            <span className="dim small">{hit.hint}</span>
          </div>
        ))}
      </div>
      {hits.length === 0 && <p className="search-none dim">Nothing is named like that.</p>}
    </Modal>
  );
}
