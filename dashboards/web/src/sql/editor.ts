// The editor of SQL, CodeMirror; a chunk of its own. It lives under a shadow root, where its styles are objects and need no
// exception from the content policy.

import { autocompletion, completionKeymap, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { sql, SQLDialect } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { Compartment, StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, placeholder, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import type { Schema, SqlView } from "./ask";
import { columnsFor } from "./columns";
import { FUNCTIONS, KEYWORDS, signature } from "./dialect";

export interface Editor {
  set(text: string): void;
  /** Marks where a mistake is, from 1; null takes the mark away. */
  mark(at: { line: number; column: number } | null): void;
  schema(schema: Schema): void;
  insert(text: string): void;
  /** Selects a text where it stands first. */
  select(text: string): void;
  focus(): void;
  destroy(): void;
}

/** Of the views that have a column. */
const VIEWS_NAMED = 5;

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

/** Backticks, double quotes, backslashes and comments as ClickHouse reads them. */
const dialect = SQLDialect.define({
  keywords: KEYWORDS,
  types: "",
  identifierQuotes: '`"',
  doubleQuotedStrings: false,
  backslashEscapes: true,
  hashComments: true,
  spaceAfterDashes: false,
  operatorChars: "*+-%<>!=&|^/?:",
  specialVar: "",
});

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

// Chromium keeps the look of what is typed over by an inline style, which the content policy refuses aloud. So it is not
// the browser that replaces a selection, but the editor.
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.data === null || event.isComposing || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true }));
    return true;
  },
});

export function mount(root: ShadowRoot, text: string, on: { change: (text: string) => void; run: () => void }): Editor {
  const language = new Compartment();
  const extensions: Extension[] = [
    lineNumbers(),
    history(),
    drawSelection(),
    bracketMatching(),
    autocompletion({ icons: false }),
    typedOver,
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
    schema({ views, functions }) {
      const schema = Object.fromEntries(
        views.map((v) => [v.name, v.columns.map((c) => ({ label: c.name, detail: c.type, info: c.comment }))]),
      );
      const own = [
        ...functions.map((f) => call(f.name, f.arguments, f.comment)),
        ...FUNCTIONS.map((f) => call(signature(f).name, signature(f).args)),
      ];
      const data = (source: (context: CompletionContext) => CompletionResult | null) => dialect.language.data.of({ autocomplete: source });
      const extensions = [sql({ dialect, upperCaseKeywords: true, schema }), data((at) => columnsOf(views, at)), data((at) => functionsOf(own, at))];
      view.dispatch({ effects: language.reconfigure(extensions) });
    },
    insert(text) {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    select(text) {
      const from = view.state.doc.toString().indexOf(text);
      if (from >= 0) view.dispatch({ selection: { anchor: from, head: from + text.length }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

/** A call that leaves the cursor between its parentheses, if it has arguments. */
function call(name: string, args: string, comment = ""): Completion {
  const apply = (view: EditorView, _: Completion, from: number, to: number) => {
    const behind = view.state.sliceDoc(to, to + 1) === "(" ? "" : "()";
    view.dispatch({ changes: { from, to, insert: name + behind }, selection: { anchor: from + name.length + (args === "()" ? behind.length : Math.min(behind.length, 1)) } });
  };
  return { label: name, detail: args, type: "function", apply, ...(comment === "" ? {} : { info: comment }) };
}

function functionsOf(options: readonly Completion[], context: CompletionContext): CompletionResult | null {
  const word = wordBefore(context);
  return word && { from: word.from, options, validFor: /^\w*$/ };
}

/** The word that is being written, if it does not belong to the name before it, to a text or to a comment. */
function wordBefore(context: CompletionContext): { readonly from: number } | null {
  const word = context.matchBefore(/\w+/);
  if (!word || context.state.sliceDoc(word.from - 1, word.from) === ".") return null;
  return /String|Comment|Quoted/.test(syntaxTree(context.state).resolveInner(context.pos, -1).name) ? null : word;
}

/** Columns stand before all else that the word may become. They are filtered and ordered here, anew with each letter. */
function columnsOf(views: readonly SqlView[], context: CompletionContext): CompletionResult | null {
  const word = wordBefore(context);
  if (!word) return null;
  const typed = context.state.sliceDoc(word.from, context.pos);
  const options = columnsFor(views, context.state.doc.toString(), typed).map((c) => ({ label: c.name, type: "property", detail: c.type, info: `${c.comment}\n${c.views.slice(0, VIEWS_NAMED).join(", ")}` }));
  const getMatch = ({ label }: Completion): readonly number[] => {
    const lower = label.toLowerCase();
    const from = lower.startsWith(typed.toLowerCase()) ? 0 : lower.indexOf(`_${typed.toLowerCase()}`) + 1;
    return [from, from + typed.length];
  };
  return options.length === 0 ? null : { from: word.from, options, filter: false, getMatch };
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
