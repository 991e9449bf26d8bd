// The PromQL editor: highlighting, checking and completion from the server's own metrics.
import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useEffect, useRef } from 'react';

interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
}

const theme = EditorView.theme({
  '&': { fontSize: '13px', color: 'var(--text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '8px 4px', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--dim)' },
  '.cm-tooltip': {
    background: 'var(--surface)',
    border: '1px solid var(--line)',
    color: 'var(--text)',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    background: 'var(--accent-soft)',
    color: 'var(--text)',
  },
  '.cm-completionDetail': { color: 'var(--dim)' },
});

const highlight = HighlightStyle.define([
  { tag: tags.function(tags.variableName), color: 'var(--info)' },
  { tag: tags.definitionKeyword, color: 'var(--info)' },
  { tag: tags.modifier, color: 'var(--info)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: tags.number, color: 'var(--warn)' },
  { tag: tags.labelName, color: 'var(--accent)' },
  { tag: tags.operator, color: 'var(--dim)' },
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

export function PromqlEditor({ value, onChange, onRun }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ onChange, onRun });
  const first = useRef(value);
  useEffect(() => {
    latest.current = { onChange, onRun };
  });

  useEffect(() => {
    if (!host.current) return undefined;
    const promql = new PromQLExtension().setComplete({ remote: { url: '' } });
    const run = (editor: EditorView) => {
      latest.current.onRun(editor.state.doc.toString());
      return true;
    };
    // In a shadow root CodeMirror adopts its style sheets; elsewhere it would need <style> elements, which the content
    // security policy forbids.
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const editor = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          promql.asExtension(),
          syntaxHighlighting(highlight),
          theme,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'PromQL query' }),
          placeholder('rate(http_server_request_duration_seconds_count[5m])'),
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
          keymap.of([...completionKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
          keymap.of([{ key: 'Enter', run }]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);

  return <div ref={host} className="editor" />;
}
