// A step of a runbook in words, from its declaration.

const kinds = ['run', 'http', 'query', 'wait', 'approve', 'runbook'] as const;

export interface StepText {
  name: string;
  kind: string;
  text: string;
}

function field(spec: unknown, key: string): string {
  if (typeof spec !== 'object' || spec === null) return '';
  const value = (spec as Record<string, unknown>)[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function describeStep(step: Record<string, unknown>): StepText {
  const name = field(step, 'name');
  const kind = kinds.find((it) => it in step);
  if (!kind) return { name, kind: '', text: '' };
  const spec = step[kind];
  return { name, kind, text: describe(kind, spec) };
}

function describe(kind: (typeof kinds)[number], spec: unknown): string {
  switch (kind) {
    case 'run':
      return field(spec, 'command');
    case 'http':
      return `${field(spec, 'method') || 'GET'} ${field(spec, 'url')}`;
    case 'query':
      return `${field(spec, 'expr')} ${field(spec, 'condition')}`.trim();
    case 'wait':
      return field(spec, 'duration');
    case 'approve':
      return field(spec, 'prompt');
    case 'runbook':
      return field(spec, 'name');
  }
}
