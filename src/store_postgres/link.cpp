#include "link.hpp"

#include "codes.hpp"

#include <poll.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

namespace tidewire::store_postgres {
namespace {

using keywords = std::map<std::string, std::string>;

bool is_schema_name(const std::string& name) {
  return name.size() <= 63 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '_';
         });
}

// What stands in the address. libpq's own words about a wrong one would repeat it, password and
// all.
result<keywords> parse(const std::string& address) {
  char* fault = nullptr;
  auto* all = PQconninfoParse(address.c_str(), &fault);
  PQfreemem(fault);
  if (!all) return make_error_code(errc::bad_address);
  keywords out;
  for (auto* o = all; o->keyword; ++o)
    if (o->val) out[o->keyword] = o->val;
  PQconninfoFree(all);
  return out;
}

// A blank ends a word of "options", unless a backslash comes before it.
std::string escaped(const std::string& value) {
  std::string out;
  for (char c : value) {
    if (c == ' ' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// Settings that every session of ours has; those of the address win.
std::string session_settings(const connection_options& o) {
  auto set = [](std::string name, const std::string& value) {
    return "-c " + std::move(name) + "=" + escaped(value) + " ";
  };
  std::string out = set("statement_timeout", std::to_string(o.call_timeout.count()));
  out += set("idle_in_transaction_session_timeout",
             std::to_string(o.idle_transaction_timeout.count()));
  // A machine that vanished is noticed in half a minute by the server too.
  out += "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 ";
  if (!o.schema.empty()) out += set("search_path", o.schema);
  for (const auto& [name, value] : o.settings) out += set(name, value);
  return out;
}

void complete(keywords& words, const connection_options& o) {
  words["options"] = session_settings(o) + words["options"];
  words["client_encoding"] = "UTF8";
  words["fallback_application_name"] = o.application_name;
  const std::pair<const char*, const char*> defaults[] = {{"keepalives", "1"},
                                                          {"keepalives_idle", "10"},
                                                          {"keepalives_interval", "5"},
                                                          {"keepalives_count", "4"},
                                                          {"tcp_user_timeout", "30000"}};
  for (auto [name, value] : defaults) words.try_emplace(name, value);
}

// With verbose errors "…: FATAL:  28P01: password authentication failed…\nLOCATION:  …": the code
// is what we understand in every language, the rest is for people. The code is taken out.
std::string take_state(std::string& said) {
  if (auto where = said.find("\nLOCATION:"); where != said.npos) said.resize(where);
  while (!said.empty() && std::isspace(static_cast<unsigned char>(said.back()))) said.pop_back();
  for (auto at = said.rfind(":  "); at != said.npos;
       at = at ? said.rfind(":  ", at - 1) : said.npos) {
    auto code = said.substr(at + 3, 5);
    bool good = code.size() == 5 && said.compare(at + 8, 2, ": ") == 0 &&
                std::all_of(code.begin(), code.end(),
                            [](unsigned char c) { return std::isdigit(c) || std::isupper(c); });
    if (!good) continue;
    said.erase(at + 3, 7);
    return code;
  }
  return {};
}

// libpq does not put it there; nor shall a server.
void hide(std::string& said, const std::string& password) {
  if (password.size() < 4) return;
  for (auto at = said.find(password); at != said.npos; at = said.find(password, at))
    said.replace(at, password.size(), "****");
}

errc reason_of(PGconn* c, const std::string& state) {
  if (!state.empty()) {
    auto why = errc_of(state);
    return why == errc::lost ? errc::unreachable : why;
  }
  return PQconnectionNeedsPassword(c) ? errc::refused : errc::unreachable;
}

}  // namespace

deadline deadline_after(std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) return deadline::max();
  return std::chrono::steady_clock::now() + timeout;
}

link::waited link::wait(short events, deadline until, int wakes) const {
  while (true) {
    int ms = -1;
    if (until != deadline::max()) {
      auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return waited::late;
      ms = static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
    }
    pollfd all[] = {{PQsocket(connection_.get()), events, 0}, {wakes, POLLIN, 0}};
    if (::poll(all, 2, ms) <= 0) continue;  // a signal, or time to look at the clock
    if (all[1].revents) return waited::woken;
    return waited::ready;
  }
}

result<void> link::connect(const connection_options& options, int wakes, std::string& said,
                           std::string& state) {
  close();
  state.clear();
  if (!is_schema_name(options.schema)) {
    said = "a schema's name has letters, digits and _, 63 at most";
    return make_error_code(errc::bad_address);
  }
  auto words = parse(options.address);
  if (!words) {
    said = "an address looks like postgres://user@host:5432/database or \"host=… dbname=…\"";
    return words.error();
  }
  complete(*words, options);
  std::vector<const char*> names, values;
  for (const auto& [name, value] : *words) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
  if (!connection_) return make_error_code(errc::exhausted);
  auto* c = connection_.get();
  PQsetNoticeProcessor(
      c, [](void*, const char*) {}, nullptr);
  PQsetErrorVerbosity(c, PQERRORS_VERBOSE);
  auto until = deadline_after(options.connect_timeout);
  auto next = PQstatus(c) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    auto how = wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until, wakes);
    if (how != waited::ready) {
      close();
      said = how == waited::late ? "the server did not let us in in time" : "";
      return make_error_code(how == waited::late ? errc::timed_out : errc::cancelled);
    }
    next = PQconnectPoll(c);
  }
  if (next == PGRES_POLLING_OK) {
    PQsetErrorVerbosity(c, PQERRORS_DEFAULT);
    PQsetnonblocking(c, 1);
    return {};
  }
  said = PQerrorMessage(c);
  state = take_state(said);
  auto* password = PQpass(c);
  hide(said, password ? password : "");
  auto why = reason_of(c, state);
  close();
  return make_error_code(why);
}

result<void> link::flush(deadline until) {
  while (true) {
    int left = PQflush(get());
    if (left == 0) return {};
    if (left < 0) return make_error_code(errc::lost);
    // The server may wait for us to read before it reads on.
    if (wait(POLLIN | POLLOUT, until) == waited::late) return make_error_code(errc::timed_out);
    if (!PQconsumeInput(get())) return make_error_code(errc::lost);
  }
}

result<PGresult*> link::next_result(deadline until) {
  while (PQisBusy(get())) {
    if (wait(POLLIN, until) == waited::late) return make_error_code(errc::timed_out);
    // What the server said before it went is a result still.
    if (!PQconsumeInput(get())) break;
  }
  return PQgetResult(get());
}

result<bool> link::read_more(deadline until, int wakes) {
  bool ready = wait(POLLIN, until, wakes) == waited::ready;
  if (ready && !PQconsumeInput(get()))
    return {boost::system::in_place_error, make_error_code(errc::lost)};
  return ready;
}

}  // namespace tidewire::store_postgres
