// The hub's world in a browser: an EventSource and fetch.

import type { Refusal, StreamEvents, Want, World } from "./hub";
import type { LiveLine } from "./merge";

/** `base` is the folder that the page was served from, behind whatever proxy. */
export function browserWorld(base: string): World {
  return {
    open: (on) => openStream(new URL("v1/live", base), on),
    subscribe: (stream, want) => subscribe(new URL(`v1/live/${encodeURIComponent(stream)}`, base), want),
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
  };
}

function openStream(url: URL, on: StreamEvents): () => void {
  const source = new EventSource(url);
  const read = <T>(event: Event) => JSON.parse((event as MessageEvent<string>).data) as T;
  source.addEventListener("hello", (e) => {
    const { id, resumed } = read<{ id: string; resumed: boolean }>(e);
    on.hello(id, resumed);
  });
  source.addEventListener("points", (e) => on.points(read<{ lines: LiveLine[] }>(e).lines));
  source.addEventListener("reset", () => on.reset());
  source.addEventListener("error", () => on.broken(source.readyState === EventSource.CLOSED));
  return () => source.close();
}

async function subscribe(url: URL, want: Want): Promise<Refusal | null> {
  const subscriptions = want.map(([run, keys]) => ({ run_id: run, keys }));
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ subscriptions }),
    });
    if (response.ok) return null;
    const text = await response.text();
    const message = messageOf(text);
    if (response.status === 404 && message.includes("live stream")) return { reason: "stream", message };
    return { reason: response.status >= 500 ? "no answer" : "refused", message };
  } catch {
    return { reason: "no answer", message: "The server does not answer." };
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.slice(0, 300);
  }
}
