#pragma once

#include <tidewire/websocket/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Frames by hand, and the table of what each role must make of them.
namespace tidewire::websocket::test {

struct frame {
  std::uint8_t opcode = 1;
  std::string payload;
  bool fin = true;
  std::uint8_t reserved = 0;  // three bits
  bool wrong_mask = false;    // masked where it must not be, or the other way round
  std::optional<std::uint64_t> announced = std::nullopt;  // a length other than the payload's
  int length_bytes = 0;                                   // 2 or 8: written longer than need be
};

inline frame text(std::string s, bool fin = true) {
  return {1, std::move(s), fin};
}
inline frame binary(std::string s, bool fin = true) {
  return {2, std::move(s), fin};
}
inline frame more(std::string s, bool fin) {
  return {0, std::move(s), fin};
}
inline frame ping(std::string s) {
  return {9, std::move(s)};
}
inline frame pong(std::string s) {
  return {10, std::move(s)};
}
inline frame close_frame(int code, std::string_view reason = {}) {
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  payload += reason;
  return {8, payload};
}

inline void append_length(std::string& out, std::uint64_t n, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((n >> (8 * i)) & 0xff);
}

inline std::string encode(const frame& f, bool masked) {
  if (f.wrong_mask) masked = !masked;
  auto n = f.announced.value_or(f.payload.size());
  auto bit = static_cast<std::uint8_t>(masked ? 0x80 : 0);
  std::string out(1, static_cast<char>((f.fin ? 0x80 : 0) | (f.reserved << 4) | f.opcode));
  int bytes = f.length_bytes > 0 ? f.length_bytes : n < 126 ? 0 : n < 65536 ? 2 : 8;
  out += static_cast<char>(bit | (bytes == 0 ? n : bytes == 2 ? 126 : 127));
  append_length(out, n, bytes);
  static constexpr char key[] = {0x12, 0x34, 0x56, 0x78};
  if (masked) out.append(key, 4);
  for (std::size_t i = 0; i < f.payload.size(); ++i)
    out += masked ? static_cast<char>(f.payload[i] ^ key[i % 4]) : f.payload[i];
  return out;
}

inline std::string encode(const std::vector<frame>& all, bool masked) {
  std::string out;
  for (const auto& f : all) out += encode(f, masked);
  return out;
}

// Whole frames off the front of what was received; the rest stays.
inline std::vector<frame> decode(std::string& in) {
  std::vector<frame> out;
  while (in.size() >= 2) {
    auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
    std::size_t head = 2;
    std::uint64_t n = at(1) & 0x7f;
    std::size_t bytes = n == 126 ? 2 : n == 127 ? 8 : 0;
    bool masked = (at(1) & 0x80) != 0;
    if (in.size() < head + bytes + (masked ? 4 : 0)) break;
    if (bytes > 0) n = 0;
    for (std::size_t i = 0; i < bytes; ++i) n = n << 8 | at(head + i);
    head += bytes;
    std::string key = masked ? in.substr(head, 4) : std::string(4, '\0');
    head += masked ? 4 : 0;
    if (in.size() < head + n) break;
    frame f;
    f.opcode = at(0) & 0x0f;
    f.fin = (at(0) & 0x80) != 0;
    f.reserved = (at(0) >> 4) & 7;
    f.payload = in.substr(head, n);
    for (std::size_t i = 0; i < n; ++i) f.payload[i] = static_cast<char>(f.payload[i] ^ key[i % 4]);
    in.erase(0, head + n);
    out.push_back(std::move(f));
  }
  return out;
}

inline bool has_close(std::string bytes) {
  for (const auto& f : decode(bytes))
    if (f.opcode == 8) return true;
  return false;
}

// What one side said back: its pongs, and the code of its last close frame (0: none).
struct answers {
  std::vector<std::string> pongs;
  int close = 0;
};

inline answers answers_in(std::string bytes) {
  answers out;
  for (const auto& f : decode(bytes)) {
    if (f.opcode == 10) out.pongs.push_back(f.payload);
    if (f.opcode == 8 && f.payload.size() >= 2)
      out.close =
          static_cast<std::uint8_t>(f.payload[0]) * 256 + static_cast<std::uint8_t>(f.payload[1]);
  }
  return out;
}

// What a peer sends, and what comes of it.
struct protocol_row {
  std::string name;
  std::vector<frame> frames;
  errc outcome = errc::closed;
  int close_sent = 1000;              // the code of our close frame; 0: none was sent
  std::vector<std::string> messages;  // delivered before the end
  std::vector<std::string> pongs;     // sent before the end
  int close_seen = 0;                 // what reason() says after errc::closed
  bool end = false;                   // the peer ends the connection after its frames
};

inline constexpr std::size_t row_message_bytes = 1000;  // the limit in all rows

inline std::vector<protocol_row> protocol_rows() {
  std::vector<protocol_row> out;
  auto done = close_frame(1000);
  auto good = [&](std::string name, std::vector<frame> frames, std::vector<std::string> messages,
                  std::vector<std::string> pongs = {}) {
    frames.push_back(done);
    out.push_back({std::move(name), std::move(frames), errc::closed, 1000, std::move(messages),
                   std::move(pongs), 1000});
  };
  auto bad = [&](std::string name, std::vector<frame> frames, errc why = errc::protocol_error,
                 int code = 1002, std::vector<std::string> messages = {},
                 std::vector<std::string> pongs = {}) {
    out.push_back(
        {std::move(name), std::move(frames), why, code, std::move(messages), std::move(pongs)});
  };

  good("text", {text("hello")}, {"hello"});
  good("binary", {binary(std::string("\0\xff", 2))}, {std::string("\0\xff", 2)});
  good("empty", {text(""), binary("")}, {"", ""});
  good("lengths", {text(std::string(125, 'a')), text(std::string(126, 'b'))},
       {std::string(125, 'a'), std::string(126, 'b')});
  good("fragments", {text("Hel", false), more("l", false), more("o", true)}, {"Hello"});
  good("empty_fragments", {text("", false), more("", false), more("x", false), more("", true)},
       {"x"});
  good("ping_between_fragments", {text("Hel", false), ping("p"), more("lo", true)}, {"Hello"},
       {"p"});
  good("pings", {ping(""), ping(std::string(125, 'x'))}, {}, {"", std::string(125, 'x')});
  good("unasked_pong", {pong("?"), text("x")}, {"x"});
  good("character_across_fragments", {text("\xe2", false), more("\x82", false), more("\xac", true)},
       {"\xe2\x82\xac"});
  good("largest_message", {text(std::string(row_message_bytes, 'm'))},
       {std::string(row_message_bytes, 'm')});

  bad("ping_of_126", {{9, std::string(126, 'x')}});
  bad("fragmented_ping", {{9, "x", false}});
  bad("fragmented_close", {{8, "", false}});
  bad("continuation_of_nothing", {more("x", true)});
  bad("continuation_after_the_end", {text("x"), more("y", true)}, errc::protocol_error, 1002,
      {"x"});
  bad("text_within_a_message", {text("x", false), text("y")});
  for (std::uint8_t bit : {1, 2, 4})
    bad("reserved_bit_" + std::to_string(bit), {{1, "x", true, bit}});
  for (std::uint8_t op : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    bad("opcode_" + std::to_string(op), {{op, "x"}});
  frame masked = text("x");
  masked.wrong_mask = true;
  bad("wrong_mask", {masked});
  frame longer = text("x");
  longer.length_bytes = 2;
  bad("length_of_2_bytes_for_1", {longer});
  longer.length_bytes = 8;
  bad("length_of_8_bytes_for_1", {longer});

  bad("not_utf8", {text("a\xff")}, errc::invalid_utf8, 1007);
  bad("overlong", {text("\xc0\xaf")}, errc::invalid_utf8, 1007);
  bad("surrogate", {text("\xed\xa0\x80")}, errc::invalid_utf8, 1007);
  bad("beyond_unicode", {text("\xf4\x90\x80\x80")}, errc::invalid_utf8, 1007);
  bad("half_a_character", {text("\xe2\x82")}, errc::invalid_utf8, 1007);
  bad("not_utf8_across_fragments", {text("\xe2", false), more("x", true)}, errc::invalid_utf8,
      1007);

  bad("too_big", {text(std::string(row_message_bytes + 1, 'x'))}, errc::message_too_big, 1009);
  bad("too_big_in_fragments",
      {text(std::string(600, 'x'), false), more(std::string(600, 'y'), true)},
      errc::message_too_big, 1009);
  frame huge = text("x");
  huge.announced = std::uint64_t{1} << 62;
  bad("announces_the_world", {huge}, errc::message_too_big, 1009);

  // What codes from 5000 on mean is not defined; they are taken as they come.
  for (int code : {5000, 65535, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                   3000, 3999, 4000, 4999})
    out.push_back({"close_" + std::to_string(code),
                   {close_frame(code, "why")},
                   errc::closed,
                   code,
                   {},
                   {},
                   code});
  out.push_back({"close_without_code", {{8, ""}}, errc::closed, 1000, {}, {}, 0});
  for (int code : {0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999})
    bad("close_" + std::to_string(code), {close_frame(code)});
  bad("close_of_1_byte", {{8, "x"}});
  bad("close_reason_not_utf8", {close_frame(1000, "\xff")});
  out.push_back(
      {"after_close", {close_frame(1000), text("late")}, errc::closed, 1000, {}, {}, 1000});

  auto cut = [&](std::string name, std::vector<frame> frames) {
    out.push_back({std::move(name), std::move(frames), errc::connection_lost, 0, {}, {}, 0, true});
  };
  cut("end_without_close", {});
  frame half = text("hello");
  half.announced = 500;
  cut("end_within_a_frame", {half});
  cut("end_within_a_message", {text("hello", false)});
  return out;
}

}  // namespace tidewire::websocket::test
