import type { Download } from "./wire";

/** A download for unit tests: 4 of 16 MiB are there. */
export function exampleDownload(differences: Partial<Download> = {}): Download {
  return {
    id: "d1",
    source: "http://127.0.0.1:1/files/tide.bin",
    name: "tide.bin",
    state: "running",
    phase: "downloading",
    downloaded_bytes: 4 << 20,
    resumed_bytes: 0,
    total_bytes: 16 << 20,
    percentage: 25,
    bytes_per_second: 1 << 20,
    remaining_seconds: 12,
    generation: 1,
    requests: null,
    retries: 0,
    restarts: 0,
    kills: 0,
    held: [[0, 4 << 20]],
    segments: [{ connection: 0, begin: 0, position: 4 << 20, end: 16 << 20, bytes_per_second: 1 << 20 }],
    journal: { exists: true, held_bytes: 4 << 20, durable_bytes: 3 << 20 },
    expected_sha256: "AA",
    events: [],
    result: null,
    ...differences,
  };
}
