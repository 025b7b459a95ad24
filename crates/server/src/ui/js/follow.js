// Follows one answer to its end, over as many connections as it takes.

import { getStream, Problem } from "./api.js";
import { events } from "./sse.js";

const ATTEMPTS = 12;
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 15000;

// `first` opens the first connection; `eventsPath(messageId)` says where to join again; `messageId` is null until the
// server has named the answer. `on` has: event(type, data), connected(), reconnecting().
// Resolves when the answer has ended, well or badly; rejects with what made it impossible to go on.
export async function follow({ first, eventsPath, messageId = null, on }) {
  const state = { messageId, lastId: "", ended: false, attempt: 0, on };
  let open = first;
  for (;;) {
    const lost = await read(state, open);
    if (state.ended) return;
    if (!state.messageId || state.attempt >= ATTEMPTS) throw lost ?? new Error("connection lost");
    on.reconnecting();
    await pause(state.attempt++);
    open = () => getStream(eventsPath(state.messageId), state.lastId);
  }
}

// Reads one connection until it ends. Answers with what broke it; throws what trying again would not mend.
async function read(state, open) {
  try {
    const response = await open();
    if (!response.ok) throw await Problem.of(response);
    state.on.connected();
    await (isStream(response) ? readEvents(state, response) : readReplay(state, response));
    return null;
  } catch (error) {
    if (error instanceof Problem && !worthRetrying(state, error)) throw error;
    return error;
  }
}

async function readEvents(state, response) {
  for await (const event of events(response.body)) {
    state.attempt = 0;
    if (event.id) state.lastId = event.id;
    const data = JSON.parse(event.data);
    if (event.type === "message.created") state.messageId = data.message_id ?? state.messageId;
    state.on.event(event.type, data);
    if (event.type === "done" || event.type === "error") state.ended = true;
    if (event.type === "done") return;
  }
}

// The same request had arrived before: the server repeats its first answer, and the stream is joined from its start.
async function readReplay(state, response) {
  const body = await response.json();
  state.messageId = body.message?.id ?? body.message_id ?? state.messageId;
}

const isStream = (response) => (response.headers.get("Content-Type") ?? "").startsWith("text/event-stream");

// Before the answer has a name nothing is repeated; the person decides.
const worthRetrying = (state, problem) => Boolean(state.messageId) && (problem.status >= 500 || problem.status === 429);

// Twice as long each time, with chance in it, so that a thousand readers do not come back at the same moment. The
// browser's word that it is online again ends the wait.
function pause(attempt) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  const wait = longest / 2 + Math.random() * (longest / 2);
  return new Promise((resolve) => {
    const timer = setTimeout(finish, wait);
    function finish() {
      clearTimeout(timer);
      removeEventListener("online", finish);
      resolve();
    }
    addEventListener("online", finish);
  });
}
