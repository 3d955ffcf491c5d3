#include <tidewire/email/email_payload.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace tidewire::email {
namespace {

namespace json = boost::json;

std::string to_base64(const std::string& bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  auto n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                           reinterpret_cast<const unsigned char*>(bytes.data()),
                           static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  auto digits = text.substr(0, text.size() - padding);
  if (text.size() % 4 != 0 || digits.find('=') != digits.npos) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  auto n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                           reinterpret_cast<const unsigned char*>(text.data()),
                           static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

// What mail::parse_address() reads back.
std::string to_text(const mail::address& a) {
  if (a.name.empty()) return a.email;
  std::string quoted = "\"";
  for (char c : a.name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\" <" + a.email + ">";
}

void set(json::object& o, const char* name, const std::string& value) {
  if (!value.empty()) o[name] = value;
}

json::array to_array(const std::vector<mail::address>& all) {
  json::array out;
  for (auto& a : all) out.emplace_back(to_text(a));
  return out;
}

json::object to_object(const mail::attachment& a) {
  json::object out;
  set(out, "name", a.name);
  set(out, "type", a.type);
  if (a.path.empty()) {
    out["base64"] = to_base64(a.bytes);
    return out;
  }
  std::error_code ec;
  auto absolute = std::filesystem::absolute(a.path, ec);
  out["path"] = ec ? a.path : absolute.string();
  return out;
}

// Reads members one after the other; the first fault stays.
class reader {
 public:
  explicit reader(std::string& fault) : fault_(fault) {}

  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
  }
  std::string text(std::string_view name, const json::value& v) {
    if (auto* s = v.if_string()) return std::string(s->data(), s->size());
    fail("\"" + std::string(name) + "\" is no text");
    return {};
  }
  std::vector<mail::address> addresses(std::string_view name, const json::value& v) {
    std::vector<mail::address> out;
    if (auto* all = v.if_array())
      for (auto& one : *all) out.push_back(mail::parse_address(text(name, one)));
    else
      fail("\"" + std::string(name) + "\" is no array of addresses");
    return out;
  }
  void attachments(const json::value& v, std::vector<mail::attachment>& out) {
    auto* all = v.if_array();
    if (!all) return fail("\"attachments\" is no array");
    for (auto& one : *all) {
      auto* o = one.if_object();
      if (!o) return fail("an attachment is no object");
      attachment(*o, out.emplace_back());
    }
  }
  void headers(const json::value& v, mail::message& m) {
    if (auto* o = v.if_object())
      for (auto& [name, value] : *o) m.headers.emplace_back(name, text(name, value));
    else if (auto* all = v.if_array())
      for (auto& line : *all) header(text("headers", line), m);
    else
      fail("\"headers\" is neither an object nor an array");
  }
  void envelope(const json::value& v, mail::envelope& e) {
    auto* o = v.if_object();
    if (!o) return fail("\"envelope\" is no object");
    for (auto& [name, value] : *o) {
      if (name == "from")
        e.from = text(name, value);
      else if (name == "to")
        e.to = text(name, value);
      else
        fail("\"envelope\" has from and to, not \"" + std::string(name) + "\"");
    }
  }
  void date(const json::value& v, mail::message& m) {
    constexpr std::int64_t year_9999 = 253'402'300'799;
    auto* seconds = v.if_int64();
    if (!seconds || *seconds < 0 || *seconds > year_9999)
      return fail("\"date\" is no number of seconds since 1970");
    // A clock in nanoseconds ends in 2262.
    constexpr std::int64_t last = 9'000'000'000;
    m.date = std::chrono::system_clock::time_point(std::chrono::seconds(std::min(*seconds, last)));
  }

 private:
  void header(const std::string& line, mail::message& m) {
    auto colon = line.find(": ");
    if (colon == line.npos) return fail("a header is written as \"Name: value\"");
    m.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  void attachment(const json::object& o, mail::attachment& out) {
    bool has_bytes = false;
    for (auto& [name, value] : o) {
      auto said = text(name, value);
      if (name == "path") {
        out.path = said;
      } else if (name == "name") {
        out.name = said;
      } else if (name == "type") {
        out.type = said;
      } else if (name == "base64") {
        auto bytes = from_base64(said);
        if (!bytes) fail("an attachment's \"base64\" is none");
        out.bytes = bytes.value_or("");
        has_bytes = true;
      } else {
        fail("an attachment has path or base64, name, type, not \"" + std::string(name) + "\"");
      }
    }
    if (has_bytes == !out.path.empty()) fail("an attachment has either a path or base64");
  }

  std::string& fault_;
};

}  // namespace

std::string to_payload(const mail::message& m, const mail::envelope& e) {
  json::object o;
  set(o, "id", m.id);
  o["from"] = to_text(m.from);
  o["to"] = to_text(m.to);
  if (!m.cc.empty()) o["cc"] = to_array(m.cc);
  if (!m.reply_to.empty()) o["reply_to"] = to_array(m.reply_to);
  set(o, "subject", m.subject);
  set(o, "text", m.text);
  set(o, "html", m.html);
  if (!m.attachments.empty()) {
    json::array all;
    for (auto& a : m.attachments) all.emplace_back(to_object(a));
    o["attachments"] = std::move(all);
  }
  if (!m.headers.empty()) {
    json::array all;  // not an object: a name may come twice
    for (auto& [name, value] : m.headers) all.emplace_back(name + ": " + value);
    o["headers"] = std::move(all);
  }
  if (m.date)
    o["date"] = std::chrono::floor<std::chrono::seconds>(m.date->time_since_epoch()).count();
  if (e.from || e.to) {
    json::object both;
    if (e.from) both["from"] = *e.from;
    if (e.to) both["to"] = *e.to;
    o["envelope"] = std::move(both);
  }
  return json::serialize(o);
}

parsed_email parse_payload(std::string_view text) {
  parsed_email out;
  boost::system::error_code ec;
  auto value = json::parse(json::string_view(text.data(), text.size()), ec);
  auto* o = value.if_object();
  reader read(out.fault);
  if (ec || !o) {
    read.fail("a message is a JSON object with from, to, subject and text");
    return out;
  }
  auto& m = out.message;
  for (auto& [name, v] : *o) {
    if (name == "id")
      m.id = read.text(name, v);
    else if (name == "from")
      m.from = mail::parse_address(read.text(name, v));
    else if (name == "to")
      m.to = mail::parse_address(read.text(name, v));
    else if (name == "cc")
      m.cc = read.addresses(name, v);
    else if (name == "reply_to")
      m.reply_to = read.addresses(name, v);
    else if (name == "subject")
      m.subject = read.text(name, v);
    else if (name == "text")
      m.text = read.text(name, v);
    else if (name == "html")
      m.html = read.text(name, v);
    else if (name == "attachments")
      read.attachments(v, m.attachments);
    else if (name == "headers")
      read.headers(v, m);
    else if (name == "date")
      read.date(v, m);
    else if (name == "envelope")
      read.envelope(v, out.envelope);
    else
      read.fail("a message has no \"" + std::string(name) + "\"");
  }
  return out;
}

}  // namespace tidewire::email
