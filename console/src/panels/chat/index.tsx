import { panel } from "../panel";
import { chatShortcuts } from "./actions";
import { chatLinks } from "./links";
import { ChatView } from "./view";

export default panel({
  id: "chat",
  title: "Chat",
  summary: "Two native clients and this page share one stream of messages. Break their links: each message still comes once, in order.",
  order: 20,
  View: ChatView,
  shortcuts: chatShortcuts,
  links: chatLinks,
});
