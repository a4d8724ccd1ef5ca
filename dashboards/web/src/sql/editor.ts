// The editor of SQL, CodeMirror; a chunk of its own. It lives under a shadow root, where its styles are objects and need no
// exception from the content policy.

import { autocompletion, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { MySQL, sql, SQLDialect } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, placeholder, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import type { SqlView } from "./ask";

export interface Editor {
  set(text: string): void;
  /** Marks where a mistake is, from 1; null takes the mark away. */
  mark(at: { line: number; column: number } | null): void;
  schema(views: readonly SqlView[]): void;
  insert(text: string): void;
  focus(): void;
  destroy(): void;
}

const marked = StateEffect.define<{ from: number; to: number } | null>();

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(marked)) continue;
      return effect.value ? Decoration.set(Decoration.mark({ class: "mistake" }).range(effect.value.from, effect.value.to)) : Decoration.none;
    }
    return set.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Backticks and double quotes as ClickHouse reads them. */
const dialect = SQLDialect.define({ ...MySQL.spec, doubleQuotedStrings: false });

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "12px", color: "var(--grey-12)", backgroundColor: "var(--grey-1)" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "var(--grey-2)", color: "var(--grey-9)", borderRight: "1px solid var(--grey-4)" },
  ".cm-cursor": { borderLeftColor: "var(--grey-12)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
  ".cm-tooltip": { backgroundColor: "var(--grey-1)", border: "1px solid var(--grey-6)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--grey-12)" },
  ".cm-completionDetail": { color: "var(--grey-9)" },
  ".cm-placeholder": { color: "var(--grey-9)" },
  ".mistake": { textDecoration: "underline wavy var(--state-failed)", backgroundColor: "var(--error-soft)" },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--state-finished)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--state-killed)" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--grey-9)", fontStyle: "italic" },
]);

export function mount(root: ShadowRoot, text: string, on: { change: (text: string) => void; run: () => void }): Editor {
  const language = new Compartment();
  const extensions: Extension[] = [
    lineNumbers(),
    history(),
    drawSelection(),
    bracketMatching(),
    autocompletion(),
    marks,
    look,
    syntaxHighlighting(colours),
    EditorView.lineWrapping,
    placeholder("SELECT ... FROM sg.runs"),
    EditorView.contentAttributes.of({ "aria-label": "Statement" }),
    keymap.of([{ key: "Mod-Enter", run: () => (on.run(), true) }, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
    language.of(sql({ dialect, upperCaseKeywords: true })),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) on.change(update.state.doc.toString());
    }),
  ];
  const view = new EditorView({ doc: text, extensions, root, parent: root });
  return {
    set(text) {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    mark(at) {
      view.dispatch({ effects: marked.of(at && spanAt(view, at)) });
    },
    schema(views) {
      const schema = Object.fromEntries(
        views.map((v) => [v.name, v.columns.map((c) => ({ label: c.name, detail: c.type, info: c.comment }))]),
      );
      const columns = dialect.language.data.of({ autocomplete: (context: CompletionContext) => columnsOf(views, context) });
      view.dispatch({ effects: language.reconfigure([sql({ dialect, upperCaseKeywords: true, schema }), columns]) });
    },
    insert(text) {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

/** The columns of all views that the statement names: the language itself completes only what stands behind a table and a dot. */
function columnsOf(views: readonly SqlView[], context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/\w+/);
  if (!word || context.state.sliceDoc(word.from - 1, word.from) === ".") return null;
  const named = new Set(context.state.doc.toString().match(/\bsg\.\w+/g));
  const columns = new Map(
    views.filter((v) => named.has(v.name)).flatMap((v) => v.columns.map((c) => [c.name, { label: c.name, type: "property", detail: c.type, info: c.comment, boost: 1 }])),
  );
  return { from: word.from, options: [...columns.values()], validFor: /^\w*$/ };
}

/** The word at a place, or the sign if there is no word. */
function spanAt(view: EditorView, { line, column }: { line: number; column: number }): { from: number; to: number } | null {
  const { doc } = view.state;
  if (doc.length === 0) return null;
  const at = doc.line(Math.min(line, doc.lines));
  const from = Math.min(at.from + column - 1, doc.length - 1);
  const word = view.state.wordAt(from);
  return word ? { from: word.from, to: word.to } : { from, to: from + 1 };
}
