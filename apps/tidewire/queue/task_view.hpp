#pragma once

#include <tidewire/queue/task_store.hpp>

#include <string>

// How tasks are shown: for programs one line of JSON, for people text that is safe on a terminal.
namespace tidewire::cli {

std::string iso_time(queue::queue_time when);  // "2024-01-01T00:00:00.000Z"

// `whole` has payload, metadata, result and progress too.
std::string task_json(const queue::task_record& task, bool whole);
std::string task_row(const queue::task_record& task);        // for a list
std::string task_paragraph(const queue::task_record& task);  // everything, several lines
std::string task_row_heading();

std::string stats_json(const queue::queue_stats& stats);
std::string stats_text(const queue::queue_stats& stats);  // several lines

}  // namespace tidewire::cli
