#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/fields.hpp>
#include <tidewire/http/message.hpp>
#include <tidewire/http/url.hpp>

namespace tidewire::http {

// True for 301, 302, 303, 307 and 308.
bool is_redirect(unsigned status) noexcept;

// Where a redirect of a GET leads: Location against `from`. errc::forbidden_redirect when that is
// another scheme than http or https, or leaves https for http; errc::bad_url without one
// usable Location. Credentials that Location carries are dropped; those of `from` stay within its
// origin.
result<url> redirect_target(const url& from, const response_head& head);

// What may be sent on to another origin: everything but Authorization, Cookie and
// Proxy-Authorization. Same origin: everything.
fields headers_for_origin(const fields& headers, const url& original, const url& next);

}  // namespace tidewire::http
