#pragma once

#include "screening.hpp"

#include <tidewire/server/message.hpp>

#include <optional>

namespace tidewire::server {

// What a page of another, allowed origin needs to ask and to read answers (WHATWG Fetch 3.2,
// "CORS"). Cookies and the like never count, so that only what the page itself sends opens
// anything.

// The answer to the question that a browser asks first; nothing for any other request, and for
// origins that are not on the list.
std::optional<response> answer_preflight(const request& req, const screening_policy& policy);

// Lets the page read this answer, if its origin is on the list.
void allow_reading(const request& req, const screening_policy& policy, response& answer);

}  // namespace tidewire::server
