import { panel } from "../panel";
import { downloadShortcuts } from "./actions";
import { DownloadsView } from "./view";

export default panel({
  id: "downloads",
  title: "Downloads",
  summary: "One file over many connections. Cut them, kill the client, restart the server: no byte that arrived is lost.",
  order: 10,
  View: DownloadsView,
  shortcuts: downloadShortcuts,
});
