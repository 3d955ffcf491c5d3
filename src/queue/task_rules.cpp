#include "queue/task_rules.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/core/utf8.hpp>

#include <algorithm>

namespace tidewire::queue {
namespace {

bool good_name(std::string_view text) {
  if (text.size() > task_bounds::name_bytes || !is_utf8(text)) return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f;
  });
}

error_code check_names(const new_task& t) {
  bool good = good_name(t.kind) && good_name(t.name) && good_name(t.unique_key) &&
              good_name(t.batch) &&
              (!t.limit || (good_name(t.limit->key) && !t.limit->key.empty()));
  if (t.tick) good = good && good_name(t.tick->schedule) && !t.tick->schedule.empty();
  for (auto& name : t.depends_on_names) good = good && good_name(name);
  if (!good) return errc::bad_name;
  return {};
}

error_code check_texts(const new_task& t) {
  if (t.payload.size() > task_bounds::payload_bytes) return errc::payload_too_large;
  if (!t.payload.empty() && !check_json(t.payload, {task_bounds::payload_bytes, 64}))
    return errc::bad_payload;
  if (!t.metadata.empty() &&
      !json_object_view::parse(t.metadata, {task_bounds::metadata_bytes, 32}))
    return errc::bad_metadata;
  return {};
}

error_code check_numbers(const new_task& t) {
  constexpr milliseconds most = task_bounds::delay;
  if (t.delay < milliseconds(0) || t.delay > most) return errc::bad_delay;
  if (t.retry_delay && (*t.retry_delay < milliseconds(0) || *t.retry_delay > most))
    return errc::bad_delay;
  if (t.max_attempts && (*t.max_attempts == 0 || *t.max_attempts > task_bounds::attempts))
    return errc::bad_option;
  if (t.timeout && (*t.timeout <= milliseconds(0) || *t.timeout > most)) return errc::bad_option;
  if (t.limit &&
      (t.limit->period <= milliseconds(0) || t.limit->period > std::chrono::hours(24 * 366)))
    return errc::bad_option;
  if (t.depends_on.size() + t.depends_on_names.size() > task_bounds::dependencies)
    return errc::bad_option;
  return {};
}

}  // namespace

error_code check(const new_task& task) {
  auto ec = check_names(task);
  if (!ec) ec = check_texts(task);
  if (!ec) ec = check_numbers(task);
  return ec;
}

verdict settle(const attempt_state& a, const outcome& how) {
  verdict v;
  milliseconds zero(0), most = task_bounds::delay;
  v.delay = std::clamp(how.after().value_or(zero), zero, most);
  switch (how.what()) {
    case outcome::kind::done:
      v.state = task_state::done;
      return v;
    case outcome::kind::discard:
      v.state = task_state::discarded;
      return v;
    case outcome::kind::cancelled:
      v.state = task_state::cancelled;
      return v;
    case outcome::kind::unknown:
      v.state = task_state::unknown;
      return v;
    case outcome::kind::retry:
      v.state = a.attempt >= a.max_attempts ? task_state::failed : task_state::retrying;
      break;
    case outcome::kind::snooze:
      v.state = a.starts >= task_bounds::starts ? task_state::failed : task_state::scheduled;
      v.attempt_back = true;
      break;
    case outcome::kind::release:
      v.state = task_state::ready;
      v.attempt_back = true;
      break;
  }
  // Somebody wants it to end, and it would begin again.
  if (a.cancel_requested && !is_final(v.state)) v.state = task_state::cancelled;
  return v;
}

verdict give_up(const attempt_state& a) {
  verdict v;
  v.state = a.attempt >= a.max_attempts ? task_state::failed : task_state::ready;
  if (a.cancel_requested) v.state = task_state::cancelled;
  return v;
}

std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  text.resize(bytes);
  return text;
}

}  // namespace tidewire::queue
