#pragma once

#include <tidewire/http/message.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/lab/link_faults.hpp>
#include <tidewire/server/message.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace tidewire::lab::detail {

// An answer on its way: the head, and where the body's bytes come from.
struct reply {
  http::response_head head;
  // None: no bytes. Shared with the wait for it, when it has nothing yet.
  std::shared_ptr<server::response_body> body;
  // How many bytes follow, when that is known; can differ from head.content_length in a lie.
  std::optional<std::uint64_t> bytes;
  // After the body the connection ends, though the message is not over (too long a length told).
  bool ends_early = false;
  // The connection can't be used again.
  bool close = false;
};

// What the edge of an honest server makes of a handler's response.
reply make_reply(server::response answer, bool head_only);

// Whether the lie fits the answer, and if so applies it.
bool tell_lie(network_fault lie, std::int64_t parameter, const http::url& target, reply& r);

}  // namespace tidewire::lab::detail
