#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/websocket/client.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tidewire::websocket {

struct beast_client_options {
  std::string user_agent = "tidewire/0.1";
  // Proxy URL ("http://host:port"), asked for a tunnel by CONNECT; unset takes http_proxy,
  // https_proxy, all_proxy and no_proxy from the environment, an empty string uses none.
  std::optional<std::string> proxy;
  // File with certificates to trust in place of the system's.
  std::string ca_file;
};

// The client on Boost.Beast. context.exec must have one thread or be a strand; it is where the
// connections run too. TLS certificates and host names are always verified. Credentials in a URL
// are sent as Basic authorization, unless the request has an Authorization field. Masks come from a
// generator of Beast's that is seeded by the operating system: they must not be guessable.
//
// Connections live on when the client goes. Attempts under way keep what they need of it.
std::unique_ptr<client> make_beast_client(context ctx, beast_client_options options = {});

}  // namespace tidewire::websocket
