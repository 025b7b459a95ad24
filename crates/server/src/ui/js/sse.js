// Reads server-sent events from a fetch response (EventSource cannot POST or send headers).

// Yields { type, id, data } for each event; data is the text of its data lines. Network chunks may split anywhere,
// also inside a character or between a carriage return and its line feed.
export async function* events(body) {
  let event = blank();
  for await (const line of lines(body)) {
    if (line === "") {
      if (event.data.length > 0) yield { ...event, data: event.data.join("\n") };
      event = blank();
    } else {
      take(event, line);
    }
  }
}

function blank() {
  return { type: "message", id: "", data: [] };
}

function take(event, line) {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (field === "event") event.type = value;
  if (field === "id") event.id = value;
  if (field === "data") event.data.push(value);
}

async function* lines(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A carriage return at the very end may be half of a line end: it waits for the next chunk.
      const end = rest.endsWith("\r") ? rest.length - 1 : rest.length;
      const parts = rest.slice(0, end).split(/\r\n|\n|\r/);
      rest = parts.pop() + rest.slice(end);
      yield* parts;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
