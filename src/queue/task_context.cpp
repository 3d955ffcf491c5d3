#include "queue/attempt.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/queue/task_context.hpp>

namespace tidewire::queue {
namespace {

constexpr std::size_t max_progress_bytes = 4096;

}  // namespace

task_id task_context::id() const {
  return attempt_->task.id;
}
const std::string& task_context::kind() const {
  return attempt_->task.kind;
}
const std::string& task_context::name() const {
  return attempt_->task.name;
}
const std::string& task_context::payload() const {
  return attempt_->task.payload;
}
const std::string& task_context::metadata() const {
  return attempt_->task.metadata;
}
std::uint32_t task_context::attempt() const {
  return attempt_->task.attempt;
}
std::uint32_t task_context::max_attempts() const {
  return attempt_->task.max_attempts;
}
std::uint64_t task_context::fence() const {
  return attempt_->task.fence;
}
clock::time_point task_context::deadline() const {
  return attempt_->deadline;
}
bool task_context::stop_requested() const noexcept {
  return attempt_->stop.stop_requested();
}
std::stop_token task_context::stop_token() const {
  return attempt_->stop.get_token();
}

error_code task_context::progress(std::string json) {
  if (json.size() > max_progress_bytes) return errc::payload_too_large;
  if (!check_json(json)) return errc::bad_payload;
  if (auto to = attempt_->progress.lock())
    to->note_progress({attempt_->task.id, attempt_->task.fence, std::move(json)});
  return {};
}

}  // namespace tidewire::queue
