#include <tidewire/server/message.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidewire::server {
namespace {

class text_body_impl final : public response_body {
 public:
  explicit text_body_impl(std::string text) : text_(std::move(text)) {}

  std::optional<std::uint64_t> size() const override { return text_.size(); }

  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = std::min(space.size(), text_.size() - sent_);
    std::memcpy(space.data(), text_.data() + sent_, n);
    sent_ += n;
    return n;
  }

 private:
  std::string text_;
  std::size_t sent_ = 0;
};

}  // namespace

asio::awaitable<void> response_body::ready() {
  co_return;
}

std::unique_ptr<response_body> text_body(std::string text) {
  return std::make_unique<text_body_impl>(std::move(text));
}

response problem(unsigned status, std::string title, std::string detail, std::string type) {
  boost::json::object document;
  document["type"] = type;
  document["title"] = title;
  document["status"] = status;
  if (!detail.empty()) document["detail"] = detail;
  response out;
  out.status = status;
  out.headers.set("Content-Type", "application/problem+json");
  out.body = text_body(boost::json::serialize(document));
  return out;
}

}  // namespace tidewire::server
