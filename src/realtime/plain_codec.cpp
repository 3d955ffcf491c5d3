#include "realtime/query.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/message_codec.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

// What a server without offsets answers a first poll with, at most; the lesson's number.
constexpr std::size_t first_page = 50;

class plain_codec final : public message_codec {
 public:
  plain_codec(std::string channel, plain_shape shape)
      : channel_(std::move(channel)), shape_(std::move(shape)) {}

  bool has_offsets() const override { return false; }
  bool acknowledges() const override { return false; }

  std::optional<std::string> hello(const std::vector<channel_cursor>&) override {
    return std::nullopt;
  }

  result<std::vector<server_event>> decode(std::string_view frame) override {
    std::vector<server_event> out;
    if (shape_.frame_type.empty()) {
      if (auto ok = check_json(frame); !ok) return ok.error();
      out.emplace_back(message_of(frame));
      return out;
    }
    auto o = json_object_view::parse(frame);
    if (!o) return o.error();
    auto type = o->find("type");
    auto payload = o->find("payload");
    if (payload && type && json_string(*type) == shape_.frame_type)
      out.emplace_back(message_of(*payload));
    return out;
  }

  std::string encode(const publication& p) override {
    if (shape_.frame_type.empty()) return p.data;
    std::string out = "{\"type\":";
    append_json_string(out, shape_.frame_type);
    return out + ",\"payload\":" + p.data + "}";
  }

  void prepare_poll(http::request& r, const channel_cursor& s, std::size_t limit,
                    std::chrono::seconds) override {
    query q(r.target);
    if (s.at.id.empty())
      q.add("limit", std::to_string(std::min(limit, first_page)));
    else
      q.add("since", s.at.id);
    q.apply(r);
  }

  result<std::variant<message_page, reset>> decode_poll(const channel_cursor& s, unsigned,
                                                        std::string_view body) override {
    auto ok = check_json(body, {body.size(), 64});
    auto elements = ok ? json_elements(body) : std::nullopt;
    if (!elements) return make_error_code(errc::bad_answer);
    if (shape_.newest_first) std::reverse(elements->begin(), elements->end());
    message_page page;
    for (auto& e : *elements) {
      // The server may count the message that was named as one of those since.
      if (auto m = message_of(e); m.id.empty() || m.id != s.at.id)
        page.messages.push_back(std::move(m));
    }
    return page;
  }

  std::string prepare_publish(http::request& r, const publication& p) override {
    r.headers.set("Idempotency-Key", p.id);
    return p.data;
  }

  // Whatever it says: a success is one.
  result<publish_ack> decode_publish(const publication& p, std::string_view) override {
    return publish_ack{p.id};
  }

 private:
  message message_of(std::string_view text) const {
    message m;
    m.channel = channel_;
    m.data = std::string(text);
    auto o = json_object_view::parse(text);
    auto id = o ? o->find(shape_.id_member) : std::nullopt;
    if (!id) return m;
    // Numbers serve as well as strings, and are asked for as they were written.
    m.id = json_string(*id).value_or(json_uint(*id) ? std::string(*id) : std::string());
    return m;
  }

  std::string channel_;
  plain_shape shape_;
};

}  // namespace

std::unique_ptr<message_codec> make_plain_codec(std::string channel, plain_shape shape) {
  return std::make_unique<plain_codec>(std::move(channel), std::move(shape));
}

std::unique_ptr<message_codec> make_chat_codec() {
  return make_plain_codec("chat", {"message", "id", true});
}

}  // namespace tidewire::realtime
