#include <tidewire/realtime/frame.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

// Writes `{"t":"…","name":value…}`.
class frame_writer {
 public:
  frame_writer(std::string_view type, std::size_t size) {
    out_.reserve(size);
    out_ += "{\"t\":\"";
    out_ += type;
    out_ += '"';
  }
  void key(std::string_view name) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
  }
  void number(std::string_view name, std::uint64_t value) { raw(name, std::to_string(value)); }
  void delay(std::string_view name, const std::optional<std::chrono::milliseconds>& value) {
    if (value) raw(name, std::to_string(std::max<std::int64_t>(value->count(), 0)));
  }
  void boolean(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
  }
  std::string finish() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  std::string out_;
};

// `{"room":{…},…}`; `write` appends the members of one channel.
template <class T, class Write>
std::string channels_text(const std::map<std::string, T>& channels, Write write) {
  std::string out = "{";
  for (const auto& [name, value] : channels) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ":{";
    write(out, value);
    out += '}';
  }
  return out + "}";
}

void append_subscription(std::string& out, const subscription& s) {
  if (s.epoch) {
    out += "\"epoch\":";
    append_json_string(out, *s.epoch);
  }
  if (s.epoch && s.since) out += ',';
  if (s.since) out += "\"since\":" + std::to_string(*s.since);
}

void append_state(std::string& out, const channel_state& s) {
  out += "\"epoch\":";
  append_json_string(out, s.epoch);
  out += s.recovered ? ",\"recovered\":true" : ",\"recovered\":false";
  out += ",\"head\":" + std::to_string(s.head);
}

struct encoder {
  std::string operator()(const hello_frame& f) const {
    frame_writer out("hello", 256);
    out.number("v", frame_version);
    out.text("client", f.client);
    out.raw("channels", channels_text(f.channels, append_subscription));
    if (!f.token.empty()) out.text("token", f.token);
    return out.finish();
  }
  std::string operator()(const welcome_frame& f) const {
    frame_writer out("welcome", 256);
    out.raw("channels", channels_text(f.channels, append_state));
    out.delay("ping_ms", f.ping);
    return out.finish();
  }
  std::string operator()(const message_frame& f) const { return encode_frame(f); }
  std::string operator()(const publish_frame& f) const {
    frame_writer out("pub", f.data.size() + 128);
    out.text("id", f.id);
    out.text("ch", f.channel);
    if (f.behind) out.boolean("behind", true);
    out.raw("d", f.data);
    return out.finish();
  }
  std::string operator()(const ack_frame& f) const {
    frame_writer out("ack", 96);
    out.text("id", f.id);
    out.number("off", f.offset);
    out.boolean("dup", f.duplicate);
    return out.finish();
  }
  std::string operator()(const nack_frame& f) const {
    frame_writer out("nack", 128);
    out.text("id", f.id);
    out.text("why", f.why);
    out.delay("retry_ms", f.retry);
    return out.finish();
  }
  std::string operator()(const reset_frame& f) const {
    frame_writer out("reset", 128);
    out.text("ch", f.channel);
    out.text("epoch", f.epoch);
    out.number("head", f.head);
    out.text("why", f.why == reset_reason::epoch ? "epoch" : "trimmed");
    return out.finish();
  }
  std::string operator()(const bye_frame& f) const {
    frame_writer out("bye", 96);
    out.text("why", f.why);
    out.delay("retry_ms", f.retry);
    return out.finish();
  }
  std::string operator()(const ping_frame&) const { return frame_writer("ping", 16).finish(); }
  std::string operator()(const pong_frame&) const { return frame_writer("pong", 16).finish(); }
};

}  // namespace

std::string encode_frame(const frame& f) {
  return std::visit(encoder(), f);
}

std::string encode_frame(const message_frame& f) {
  frame_writer out("msg", f.data.size() + f.channel.size() + f.id.size() + 160);
  out.text("ch", f.channel);
  out.text("epoch", f.epoch);
  out.number("off", f.offset);
  out.text("id", f.id);
  if (!f.time.empty()) out.text("ts", f.time);
  if (!f.user.empty()) out.text("user", f.user);
  out.raw("d", f.data);
  return out.finish();
}

}  // namespace tidewire::realtime
