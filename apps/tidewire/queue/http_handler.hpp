#pragma once

#include <tidewire/http/client.hpp>
#include <tidewire/queue/task_handler.hpp>

namespace tidewire::cli {

// Runs tasks of the kind "http". The client must run on the queue's strand, and outlive the queue's
// handlers.
queue::task_handler make_http_handler(http::client& client);

}  // namespace tidewire::cli
