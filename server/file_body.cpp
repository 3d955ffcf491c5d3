#include "file_body.hpp"

#include "digest_cache.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidewire::server {
namespace {

class file_body_impl final : public response_body {
 public:
  file_body_impl(file::filesystem& disk, std::shared_ptr<file::handle> file,
                 const file::status& generation, std::vector<file_part> parts)
      : disk_(disk), file_(std::move(file)), generation_(generation), parts_(std::move(parts)) {
    for (const auto& p : parts_) size_ += p.text.size() + p.size;
  }

  std::optional<std::uint64_t> size() const override { return size_; }

  result<std::size_t> read(std::span<std::byte> space) override {
    std::size_t filled = 0;
    bool touched_disk = false;
    while (filled < space.size() && part_ < parts_.size()) {
      auto rest = space.subspan(filled);
      filled += copy_text(rest);
      rest = space.subspan(filled);
      auto n = read_file(rest);
      if (!n) return n.error();
      touched_disk = touched_disk || *n > 0;
      filled += *n;
      if (done_ == parts_[part_].text.size() + parts_[part_].size) {
        ++part_;
        done_ = 0;
      }
    }
    if (touched_disk && !unchanged()) return changed();
    return filled;
  }

 private:
  static error_code changed() {
    return make_error_code(boost::system::errc::state_not_recoverable);
  }

  bool unchanged() {
    auto now = disk_.stat(*file_);
    return now && same_generation(*now, generation_);
  }

  std::size_t copy_text(std::span<std::byte> space) {
    const auto& text = parts_[part_].text;
    if (done_ >= text.size()) return 0;
    auto n = std::min<std::uint64_t>(space.size(), text.size() - done_);
    std::memcpy(space.data(), text.data() + done_, n);
    done_ += n;
    return n;
  }

  // All of the part that fits; an end of file before that is a change.
  result<std::size_t> read_file(std::span<std::byte> space) {
    const auto& p = parts_[part_];
    if (done_ < p.text.size()) return 0;
    auto at = done_ - p.text.size();
    auto want = std::min<std::uint64_t>(space.size(), p.size - at);
    if (want == 0) return 0;
    auto n = file_->read_at(p.offset + at, space.first(want));
    if (!n) return n.error();
    if (*n < want) return changed();
    done_ += want;
    return want;
  }

  file::filesystem& disk_;
  std::shared_ptr<file::handle> file_;
  file::status generation_;
  std::vector<file_part> parts_;
  std::uint64_t size_ = 0;
  std::size_t part_ = 0;
  std::uint64_t done_ = 0;  // of the part, its text included
};

}  // namespace

std::unique_ptr<response_body> file_body(file::filesystem& disk, std::shared_ptr<file::handle> file,
                                         const file::status& generation,
                                         std::vector<file_part> parts) {
  return std::make_unique<file_body_impl>(disk, std::move(file), generation, std::move(parts));
}

}  // namespace tidewire::server
