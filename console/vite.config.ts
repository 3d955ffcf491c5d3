import { defineConfig } from "vite";

// `npm run dev` serves the page itself and passes the API on to a running `tidewire demo`, which takes
// commands from its own origin alone.
const demo = process.env.TIDEWIRE_DEMO ?? "http://127.0.0.1:8080";
const api = { target: demo, changeOrigin: true, headers: { origin: demo } };

export default defineConfig({
  // No inline script, style or data URL: the demo's content security policy allows its own origin alone.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", proxy: { "/events": api, "/demo": api } },
});
