/** What came of a command: its answer, or a sentence for the person who gave it. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; message: string };

/** Reads a problem document (RFC 9457); whatever else was sent becomes a sentence too. */
export function problemText(status: number, body: string): string {
  try {
    const problem: unknown = JSON.parse(body);
    if (problem && typeof problem === "object") {
      const { detail, title } = problem as { detail?: unknown; title?: unknown };
      if (typeof detail === "string" && detail) return detail;
      if (typeof title === "string" && title) return title;
    }
  } catch {
    // Not JSON: the status has to do.
  }
  return `The demo answered with status ${status}.`;
}

export async function command<T = void>(path: string, body: unknown = {}): Promise<Outcome<T>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    text = await response.text();
  } catch {
    return { ok: false, message: "The demo does not answer. Is `tidewire demo` still running?" };
  }
  if (!response.ok) return { ok: false, message: problemText(response.status, text) };
  return { ok: true, value: (text ? JSON.parse(text) : undefined) as T };
}
