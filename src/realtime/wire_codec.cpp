#include "realtime/query.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/realtime/message_codec.hpp>

#include <utility>

namespace tidewire::realtime {
namespace {

// Turns a frame of the server into an event; those that only servers read give none.
struct as_event {
  using events = std::vector<server_event>;

  events operator()(welcome_frame& f) const {
    welcome w;
    w.ping = f.ping;
    for (auto& [name, state] : f.channels)
      w.channels.push_back({name, {state.epoch, state.head}, state.recovered});
    return {std::move(w)};
  }
  events operator()(message_frame& f) const {
    return {message{std::move(f.channel), std::move(f.epoch), f.offset, std::move(f.id),
                    std::move(f.time), std::move(f.data)}};
  }
  events operator()(ack_frame& f) const {
    return {publish_ack{std::move(f.id), f.offset, f.duplicate}};
  }
  events operator()(nack_frame& f) const {
    return {publish_nack{std::move(f.id), std::move(f.why), f.retry}};
  }
  events operator()(reset_frame& f) const {
    const auto* why = f.why == reset_reason::trimmed ? "trimmed" : "epoch";
    return {reset{std::move(f.channel), {}, {std::move(f.epoch), f.head}, why}};
  }
  events operator()(bye_frame& f) const {
    bool unauthorized = f.why == "token";
    return {goodbye{std::move(f.why), unauthorized, f.retry}};
  }
  template <class Other>
  events operator()(Other&) const {
    return {};
  }
};

class wire_codec final : public message_codec {
 public:
  explicit wire_codec(std::string client_id) : client_id_(std::move(client_id)) {}

  bool has_offsets() const override { return true; }
  bool acknowledges() const override { return true; }

  std::optional<std::string> hello(const std::vector<channel_cursor>& all) override {
    hello_frame f;
    f.client = client_id_;
    for (auto& c : all) {
      auto& s = f.channels[c.channel];
      if (!c.at.epoch.empty()) s.epoch = c.at.epoch;
      if (!c.at.epoch.empty() || c.from_oldest) s.since = c.at.offset;
    }
    return encode_frame(frame(std::move(f)));
  }

  result<std::vector<server_event>> decode(std::string_view text) override {
    auto f = decode_frame(text);
    if (f) return std::visit(as_event(), *f);
    // A later version of the server may say more than we know of.
    if (f.error() == frame_errc::unknown_type) return std::vector<server_event>();
    return f.error();
  }

  std::string encode(const publication& p) override {
    return encode_frame(frame(publish_frame{p.id, p.channel, p.data, p.behind}));
  }

  void prepare_poll(http::request& r, const channel_cursor& s, std::size_t limit,
                    std::chrono::seconds wait) override {
    query q(r.target);
    q.add("ch", s.channel);
    if (!s.at.epoch.empty()) q.add("epoch", s.at.epoch);
    if (!s.at.epoch.empty() || s.from_oldest) q.add("since", std::to_string(s.at.offset));
    q.add("limit", std::to_string(limit));
    if (wait.count() > 0) q.add("wait", std::to_string(wait.count()));
    q.apply(r);
  }

  result<std::variant<message_page, reset>> decode_poll(const channel_cursor& s, unsigned status,
                                                        std::string_view body) override {
    auto o = json_object_view::parse(body, {max_answer_bytes, max_payload_depth + 4});
    if (!o) return o.error();
    auto epoch = text_of(*o, "epoch");
    if (!epoch) return make_error_code(errc::bad_answer);
    if (status == 410) {
      auto oldest = number_of(*o, "oldest");
      if (!oldest) return make_error_code(errc::bad_answer);
      auto why = text_of(*o, "why").value_or(*epoch == s.at.epoch ? "trimmed" : "epoch");
      return reset{s.channel, s.at, {*epoch, *oldest > 0 ? *oldest - 1 : 0}, std::move(why)};
    }
    return decode_page(s, *o, std::move(*epoch));
  }

  std::string prepare_publish(http::request& r, const publication& p) override {
    r.headers.set("Idempotency-Key", p.id);
    std::string body = "{\"ch\":";
    append_json_string(body, p.channel);
    body += ",\"id\":";
    append_json_string(body, p.id);
    return body + ",\"d\":" + p.data + "}";
  }

  result<publish_ack> decode_publish(const publication& p, std::string_view body) override {
    auto o = json_object_view::parse(body);
    if (!o) return o.error();
    auto offset = number_of(*o, "off");
    if (!offset) return make_error_code(errc::bad_answer);
    auto dup = o->find("dup");
    return publish_ack{p.id, *offset, dup && json_bool(*dup).value_or(false)};
  }

 private:
  static constexpr std::size_t max_answer_bytes = 64 * 1024 * 1024;

  static std::optional<std::string> text_of(const json_object_view& o, std::string_view name) {
    auto value = o.find(name);
    return value ? json_string(*value) : std::nullopt;
  }
  static std::optional<std::uint64_t> number_of(const json_object_view& o, std::string_view name) {
    auto value = o.find(name);
    return value ? json_uint(*value) : std::nullopt;
  }

  static result<std::variant<message_page, reset>> decode_page(const channel_cursor& s,
                                                               const json_object_view& o,
                                                               std::string epoch) {
    auto head = number_of(o, "head");
    auto all = o.find("messages");
    auto elements = all ? json_elements(*all) : std::nullopt;
    if (!head || !elements) return make_error_code(errc::bad_answer);
    message_page page;
    page.epoch = std::move(epoch);
    page.head = *head;
    auto more = o.find("more");
    page.more = more && json_bool(*more).value_or(false);
    for (auto& e : *elements) {
      auto m = json_object_view::parse(e, {max_answer_bytes, max_payload_depth + 4});
      auto offset = m ? number_of(*m, "off") : std::nullopt;
      auto data = m ? m->find("d") : std::nullopt;
      if (!offset || *offset == 0 || !data) return make_error_code(errc::bad_answer);
      page.messages.push_back({s.channel, page.epoch, *offset, text_of(*m, "id").value_or(""),
                               text_of(*m, "ts").value_or(""), std::string(*data)});
    }
    return page;
  }

  std::string client_id_;
};

}  // namespace

std::unique_ptr<message_codec> make_wire_codec(std::string client_id) {
  return std::make_unique<wire_codec>(std::move(client_id));
}

}  // namespace tidewire::realtime
