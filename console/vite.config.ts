import { defineConfig } from "vite";

// `npm run dev` serves the page itself and passes the API on to a running `tidewire demo`.
const demo = process.env.TIDEWIRE_DEMO ?? "http://127.0.0.1:8080";

export default defineConfig({
  // No inline script, style or data URL: the demo's content security policy is `default-src 'self'`.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", proxy: { "/events": demo, "/demo": demo } },
});
