#include <tidewire/realtime/frame.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tidewire::realtime {
namespace {

constexpr auto longest_delay = std::chrono::milliseconds(std::chrono::hours(24));

// Reads members one by one and remembers the first that can't be used.
class member_reader {
 public:
  explicit member_reader(const json_object_view& object) : object_(object) {}

  bool has(std::string_view name) const { return object_.find(name).has_value(); }
  const error_code& failure() const { return failure_; }
  const std::string& detail() const { return detail_; }

  void fail(std::string_view name, std::string_view expected,
            frame_errc why = frame_errc::bad_member) {
    if (failure_) return;
    failure_ = why;
    detail_ = "\"" + std::string(name) + "\" must be " + std::string(expected);
  }

  std::string text(std::string_view name, std::size_t max_bytes) {
    auto value = object_.find(name);
    auto out = value ? json_string(*value) : std::nullopt;
    if (out && out->size() <= max_bytes) return std::move(*out);
    fail(name, "a string of at most " + std::to_string(max_bytes) + " bytes");
    return {};
  }

  std::string name(std::string_view member) {
    auto out = text(member, max_name_bytes);
    if (!failure_ && !is_name(out)) fail(member, expected_name);
    return out;
  }

  std::uint64_t number(std::string_view name) {
    auto value = object_.find(name);
    auto out = value ? json_uint(*value) : std::nullopt;
    if (!out) fail(name, "an integer from 0 to 2^63 - 1");
    return out.value_or(0);
  }

  bool boolean(std::string_view name) {
    auto value = object_.find(name);
    auto out = value ? json_bool(*value) : std::nullopt;
    if (!out) fail(name, "true or false");
    return out.value_or(false);
  }

  // A time beyond a day is taken for a day: nobody is to be sent away for ever by one frame.
  std::chrono::milliseconds delay(std::string_view name) {
    auto longest = static_cast<std::uint64_t>(longest_delay.count());
    return std::chrono::milliseconds(std::min(number(name), longest));
  }
  std::optional<std::chrono::milliseconds> optional_delay(std::string_view name) {
    if (!has(name)) return std::nullopt;
    return delay(name);
  }

  std::string payload(std::string_view name) {
    auto value = object_.find(name);
    if (!value) fail(name, "there: any JSON value");
    if (value && value->size() > max_payload_bytes)
      fail(name, "at most " + std::to_string(max_payload_bytes) + " bytes",
           frame_errc::payload_too_large);
    return failure_ ? std::string() : std::string(*value);
  }

  // The members of the object `name`, each with a name that will do.
  std::vector<std::pair<std::string, json_object_view>> objects(std::string_view name) {
    std::vector<std::pair<std::string, json_object_view>> out;
    auto value = object_.find(name);
    auto all = json_object_view::parse(value.value_or(""));
    if (!all || all->members().size() > max_channels_per_hello) {
      fail(name, "an object of at most " + std::to_string(max_channels_per_hello) + " channels");
      return out;
    }
    for (const auto& member : all->members()) {
      auto entry = json_object_view::parse(member.value);
      if (!entry || !is_name(member.name)) fail(name, "an object of channels with good names");
      if (failure_) break;
      out.emplace_back(member.name, std::move(*entry));
    }
    return out;
  }

  void join(const member_reader& inner) {
    if (failure_ || !inner.failure_) return;
    failure_ = inner.failure_;
    detail_ = inner.detail_;
  }

 private:
  static constexpr std::string_view expected_name =
      "1 to 128 bytes of UTF-8 without control characters";
  const json_object_view& object_;
  error_code failure_;
  std::string detail_;
};

frame read_hello(member_reader& in) {
  hello_frame out;
  if (in.has("v") && in.number("v") != frame_version)
    in.fail("v", std::to_string(frame_version), frame_errc::unsupported_version);
  out.client = in.name("client");
  if (in.has("token")) out.token = in.text("token", max_token_bytes);
  for (auto& [channel, object] : in.objects("channels")) {
    member_reader entry(object);
    subscription s;
    if (entry.has("epoch")) s.epoch = entry.name("epoch");
    if (entry.has("since")) s.since = entry.number("since");
    if (s.epoch && !s.since) entry.fail("since", "there beside \"epoch\"");
    in.join(entry);
    out.channels.emplace(channel, std::move(s));
  }
  return out;
}

frame read_welcome(member_reader& in) {
  welcome_frame out;
  out.ping = in.delay("ping_ms");
  for (auto& [channel, object] : in.objects("channels")) {
    member_reader entry(object);
    channel_state s;
    s.epoch = entry.name("epoch");
    s.recovered = entry.boolean("recovered");
    s.head = entry.number("head");
    in.join(entry);
    out.channels.emplace(channel, std::move(s));
  }
  return out;
}

frame read_message(member_reader& in) {
  message_frame out;
  out.channel = in.name("ch");
  out.epoch = in.name("epoch");
  out.offset = in.number("off");
  if (out.offset == 0) in.fail("off", "1 or more");
  out.id = in.name("id");
  if (in.has("ts")) out.time = in.text("ts", max_name_bytes);
  if (in.has("user")) out.user = in.text("user", max_name_bytes);
  out.data = in.payload("d");
  return out;
}

frame read_publish(member_reader& in) {
  publish_frame out;
  out.id = in.name("id");
  out.channel = in.name("ch");
  if (in.has("behind")) out.behind = in.boolean("behind");
  out.data = in.payload("d");
  return out;
}

frame read_ack(member_reader& in) {
  ack_frame out;
  out.id = in.name("id");
  out.offset = in.number("off");
  out.duplicate = in.boolean("dup");
  return out;
}

frame read_nack(member_reader& in) {
  nack_frame out;
  out.id = in.name("id");
  out.why = in.text("why", max_why_bytes);
  out.retry = in.optional_delay("retry_ms");
  return out;
}

frame read_reset(member_reader& in) {
  reset_frame out;
  out.channel = in.name("ch");
  out.epoch = in.name("epoch");
  out.head = in.number("head");
  auto why = in.text("why", max_why_bytes);
  if (why == "trimmed") out.why = reset_reason::trimmed;
  if (why != "trimmed" && why != "epoch") in.fail("why", "\"epoch\" or \"trimmed\"");
  return out;
}

frame read_bye(member_reader& in) {
  bye_frame out;
  out.why = in.text("why", max_why_bytes);
  out.retry = in.optional_delay("retry_ms");
  return out;
}

struct frame_type {
  std::string_view name;
  frame (*read)(member_reader&);
};

constexpr std::array<frame_type, 10> frame_types{{
    {"msg", read_message},
    {"pub", read_publish},
    {"ack", read_ack},
    {"nack", read_nack},
    {"hello", read_hello},
    {"welcome", read_welcome},
    {"reset", read_reset},
    {"bye", read_bye},
    {"ping", [](member_reader&) -> frame { return ping_frame(); }},
    {"pong", [](member_reader&) -> frame { return pong_frame(); }},
}};

}  // namespace

result<frame> decode_frame(std::string_view text, std::string* detail) {
  auto told = [&](error_code ec, std::string why) -> result<frame> {
    if (detail) *detail = std::move(why);
    return ec;
  };
  // The frame's own object is one level above the payload.
  json_limits limits{max_frame_bytes, max_payload_depth + 1};
  auto object = json_object_view::parse(text, limits);
  if (!object) return told(object.error(), object.error().message());
  member_reader in(*object);
  auto type = in.text("t", max_name_bytes);
  if (in.failure()) return told(in.failure(), in.detail());
  for (const auto& known : frame_types) {
    if (known.name != type) continue;
    auto out = known.read(in);
    if (in.failure()) return told(in.failure(), in.detail());
    return out;
  }
  error_code unknown = frame_errc::unknown_type;
  return told(unknown, unknown.message());
}

}  // namespace tidewire::realtime
