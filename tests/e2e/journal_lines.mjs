// A journal's JSON lines out of facts that a test makes up, for `wellrun journal import`: a past that nobody has to wait
// for. docs/formats/journal.md says how a fact is hashed.
import { createHash } from 'node:crypto';

/** JSON as the journal stores it: compact, keys sorted. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

const netstring = (text) => `${Buffer.byteLength(text)}:${text},`;

/**
 * `facts`: [{ time (milliseconds), stream, type, body, actor, schema }, …], put into order of time here. `correlation` is
 * the stream's name, as of a story of its own. `blobs`: lines of an export, passed on.
 */
export function journalLines(facts, blobs = []) {
  let hash = '';
  const versions = new Map();
  const lines = [...facts].sort((a, b) => a.time - b.time).map((fact, index) => {
    const { time, stream, type, body, actor = 'system', schema = 1 } = fact;
    const seq = index + 1;
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    const correlation = fact.correlation ?? stream.slice(stream.indexOf('/') + 1);
    const fields = [hash, seq, time, stream, version, type, schema, actor, 0, correlation, canonical(body)];
    hash = createHash('sha256').update(fields.map((field) => netstring(String(field))).join('')).digest('hex');
    return { fact: { seq, time: new Date(time).toISOString(), stream, stream_version: version, type, schema, actor, cause: 0, correlation, body, hash } };
  });
  const end = { end: { facts: lines.length, intents: 0, blobs: blobs.length, hash } };
  return [{ wellrun_journal: 1 }, ...lines, ...blobs, end].map(canonical).join('\n') + '\n';
}
