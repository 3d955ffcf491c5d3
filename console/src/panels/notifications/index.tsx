import { panel } from "../panel";
import { linkOfA } from "../chat/links";
import { unread } from "./unread";
import { notificationShortcuts, NotificationsView } from "./view";

export default panel({
  id: "notifications",
  title: "Notifications",
  summary: "A polite poller: it asks more often while there is news, less often while there is none, and backs off when it fails.",
  order: 30,
  View: NotificationsView,
  shortcuts: notificationShortcuts,
  links: [linkOfA],
  badge: { count: unread, noun: "unread" },
});
