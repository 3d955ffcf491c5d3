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

std::string_view reason_of(unsigned status) {
  static constexpr std::pair<unsigned, std::string_view> known[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"}};
  for (auto& [code, text] : known)
    if (code == status) return text;
  return "Unknown";
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
