// A message as text. GMime does the MIME: encoded words, parameters, folding, transfer encodings.
#include <tidewire/http/digest.hpp>
#include <tidewire/http/media_type.hpp>
#include <tidewire/mail/error.hpp>
#include <tidewire/mail/message.hpp>

#include <gmime/gmime.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <span>
#include <string>

namespace tidewire::mail {
namespace {

struct unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using owned = std::unique_ptr<T, unref>;

constexpr auto charset = "utf-8";

void start_gmime() {
  // The library's own global state; never torn down since others may use it.
  static const bool started = (g_mime_init(), true);
  static_cast<void>(started);
}

// GMime turns "\n" into the line end of the wire; a CR that stands alone means one, too.
std::string with_plain_line_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
      continue;
    }
    out += '\n';
    if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
  }
  return out;
}

owned<GMimePart> make_part(const char* type, const char* subtype, GMimeContentEncoding encoding,
                           std::string_view bytes) {
  owned<GMimePart> part(g_mime_part_new_with_type(type, subtype));
  owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size()));
  owned<GMimeDataWrapper> content(
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part.get(), content.get());
  g_mime_part_set_content_encoding(part.get(), encoding);
  return part;
}

owned<GMimeObject> text_part(const char* subtype, const std::string& text) {
  auto part = make_part("text", subtype, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE,
                        with_plain_line_ends(text));
  g_mime_object_set_content_type_parameter(GMIME_OBJECT(part.get()), "charset", charset);
  return owned<GMimeObject>(GMIME_OBJECT(part.release()));
}

owned<GMimeObject> attached_part(const attachment& a, std::string_view bytes) {
  auto name = a.name.empty() ? a.path.substr(a.path.rfind('/') + 1) : a.name;
  auto type = a.type.empty() ? std::string(http::media_type_of(name)) : a.type;
  type.resize(std::min(type.find(';'), type.size()));  // nobody said that its charset is known
  auto slash = type.find('/');
  auto part = make_part(type.substr(0, slash).c_str(), type.substr(slash + 1).c_str(),
                        GMIME_CONTENT_ENCODING_BASE64, bytes);
  g_mime_object_set_disposition(GMIME_OBJECT(part.get()), "attachment");
  g_mime_part_set_filename(part.get(), name.c_str());
  return owned<GMimeObject>(GMIME_OBJECT(part.release()));
}

// A boundary that no part can hold: what stands in a part is quoted-printable, where "=" is
// followed by digits, or base64, where it ends a line.
owned<GMimeMultipart> make_multipart(const char* subtype, const std::string& id) {
  owned<GMimeMultipart> out(g_mime_multipart_new_with_subtype(subtype));
  http::sha256_hasher hasher;
  hasher.update(std::as_bytes(std::span(id)));
  auto boundary = "=_" + std::string(subtype) + "_" + hasher.finish().hex().substr(0, 32);
  g_mime_multipart_set_boundary(out.get(), boundary.c_str());
  return out;
}

owned<GMimeObject> readable_part(const message& m) {
  if (m.html.empty()) return text_part("plain", m.text);
  if (m.text.empty()) return text_part("html", m.html);
  auto both = make_multipart("alternative", m.id);
  auto plain = text_part("plain", m.text), rich = text_part("html", m.html);
  g_mime_multipart_add(both.get(), plain.get());
  g_mime_multipart_add(both.get(), rich.get());
  return owned<GMimeObject>(GMIME_OBJECT(both.release()));
}

message_fault read_file(const std::string& path, std::size_t limit, std::string& bytes) {
  message_fault unreadable{make_error_code(errc::attachment_unreadable),
                           "attachment \"" + path + "\" can't be read"};
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable;
  char piece[64 * 1024];
  while (file.read(piece, sizeof piece) || file.gcount() > 0) {
    bytes.append(piece, static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > limit)
      return {make_error_code(errc::too_large),
              "with attachment \"" + path + "\" the message is larger than allowed"};
  }
  if (file.bad()) return unreadable;
  return {};
}

message_fault add_attachments(GMimeMultipart* whole, const message& m, std::size_t limit) {
  for (auto& a : m.attachments) {
    std::string read;
    if (!a.path.empty())
      if (auto fault = read_file(a.path, limit, read)) return fault;
    limit -= read.size();  // all of them together
    auto part = attached_part(a, a.path.empty() ? a.bytes : read);
    g_mime_multipart_add(whole, part.get());
  }
  return {};
}

void add_addresses(InternetAddressList* list, const std::vector<address>& addresses) {
  for (auto& a : addresses) {
    owned<InternetAddress> mailbox(
        internet_address_mailbox_new(a.name.empty() ? nullptr : a.name.c_str(), a.email.c_str()));
    internet_address_set_charset(mailbox.get(), charset);
    internet_address_list_add(list, mailbox.get());
  }
}

void set_headers(GMimeMessage* out, const message& m, std::chrono::system_clock::time_point when) {
  add_addresses(g_mime_message_get_from(out), {m.from});
  add_addresses(g_mime_message_get_to(out), {m.to});
  add_addresses(g_mime_message_get_cc(out), m.cc);
  add_addresses(g_mime_message_get_reply_to(out), m.reply_to);
  g_mime_message_set_subject(out, m.subject.c_str(), charset);
  auto seconds = std::chrono::floor<std::chrono::seconds>(when.time_since_epoch()).count();
  if (auto* date = g_date_time_new_from_unix_utc(seconds)) {
    g_mime_message_set_date(out, date);
    g_date_time_unref(date);
  }
  auto id = message_id(m.id, m.from.email);
  g_mime_message_set_message_id(out, id.substr(1, id.size() - 2).c_str());
  for (auto& [name, value] : m.headers)
    g_mime_object_append_header(GMIME_OBJECT(out), name.c_str(), value.c_str(), charset);
}

std::string text_of(GMimeMessage* m) {
  std::unique_ptr<GMimeFormatOptions, void (*)(GMimeFormatOptions*)> format(
      g_mime_format_options_new(), &g_mime_format_options_free);
  g_mime_format_options_set_newline_format(format.get(), GMIME_NEWLINE_FORMAT_DOS);
  owned<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_object_write_to_stream(GMIME_OBJECT(m), format.get(), stream.get());
  auto* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  return {reinterpret_cast<const char*>(bytes->data), bytes->len};
}

}  // namespace

composed compose(const message& m, std::chrono::system_clock::time_point now,
                 const message_limits& limits) {
  if (auto fault = check(m, limits)) return {fault, {}};
  start_gmime();
  auto body = readable_part(m);
  if (!m.attachments.empty()) {
    auto whole = make_multipart("mixed", m.id);
    if (!m.text.empty() || !m.html.empty()) g_mime_multipart_add(whole.get(), body.get());
    if (auto fault = add_attachments(whole.get(), m, limits.message_bytes)) return {fault, {}};
    body.reset(GMIME_OBJECT(whole.release()));
  }
  owned<GMimeMessage> out(g_mime_message_new(FALSE));
  set_headers(out.get(), m, m.date.value_or(now));
  g_mime_message_set_mime_part(out.get(), body.get());
  auto text = text_of(out.get());
  if (text.size() > limits.message_bytes)
    return {{make_error_code(errc::too_large), "the message is larger than " +
                                                   std::to_string(limits.message_bytes) +
                                                   " bytes as it goes over the wire"},
            {}};
  return {{}, std::move(text)};
}

}  // namespace tidewire::mail
