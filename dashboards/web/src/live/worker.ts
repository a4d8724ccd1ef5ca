// The shared worker: all pages of this browser speak to its one hub.

import { Hub, type ToHub } from "./hub";
import { browserWorld } from "./stream";

// This file lies in the folder of assets, beside which the server's routes begin.
const hub = new Hub(browserWorld(new URL("../", location.href).href));

(self as unknown as { onconnect: (e: MessageEvent) => void }).onconnect = (e) => {
  const port = e.ports[0];
  if (!port) return;
  const hear = hub.join((message) => port.postMessage(message));
  port.onmessage = (said: MessageEvent<ToHub>) => hear(said.data);
};
