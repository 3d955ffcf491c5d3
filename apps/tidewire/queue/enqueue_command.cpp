#include "escape.hpp"
#include "options.hpp"
#include "queue/queue_commands.hpp"
#include "queue/receipt.hpp"
#include "queue/record_reader.hpp"
#include "queue/store_fault.hpp"
#include "queue/store_session.hpp"
#include "queue/task_line.hpp"
#include "terminal.hpp"

#include <tidewire/core/json_text.hpp>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace tidewire::cli {
namespace {

constexpr auto name = "enqueue";
constexpr std::size_t lines_at_once = 1000;  // in one transaction
constexpr std::size_t bytes_at_once = 8 * 1024 * 1024;

struct enqueue_options {
  queue_options common;
  queue::new_task task;
  std::string from, payload, priority = "medium", delay, timeout, retry_delay;
  std::vector<std::string> depends_on;
  std::uint32_t max_attempts = 0;
  bool quiet = false;
};

exit_code usage(const std::string& fault) {
  return fail_queue(name, exit_code::usage,
                    fault + "\nTry `tidewire queue enqueue --help`. Nothing was enqueued.");
}

// Says what is wrong with the options, or completes the task.
std::string complete(enqueue_options& o) {
  auto& t = o.task;
  t.priority = *queue::priority_from(o.priority);
  auto time = [](const char* option, const std::string& text, auto set) {
    if (text.empty()) return std::string();
    auto value = parse_task_time(text);
    if (value) set(*value);
    return value ? std::string()
                 : fmt::format("{}: \"{}\" is not a time like 250ms, 30s or 10m, and not negative",
                               option, escape_terminal(text));
  };
  auto wrong = time("--delay", o.delay, [&](auto v) { t.delay = v; });
  if (wrong.empty()) wrong = time("--timeout", o.timeout, [&](auto v) { t.timeout = v; });
  if (wrong.empty())
    wrong = time("--retry-delay", o.retry_delay, [&](auto v) { t.retry_delay = v; });
  if (o.max_attempts > 0) t.max_attempts = o.max_attempts;
  for (auto& d : o.depends_on) {
    bool number = !d.empty() && d.size() < 19 && d.find_first_not_of("0123456789") == d.npos;
    if (number)
      t.depends_on.push_back(std::stoull(d));
    else
      t.depends_on_names.push_back(d);
  }
  return wrong;
}

std::string check_one(const enqueue_options& o) {
  if (o.task.kind.empty()) return "--kind says which handler runs the task, and is missing";
  if (o.payload.empty()) return {};
  if (o.payload.size() > queue::task_bounds::payload_bytes)
    return "the payload is larger than 1 MiB; store it elsewhere and enqueue where it is";
  auto good = check_json(o.payload, {queue::task_bounds::payload_bytes, 64});
  if (!good)
    return "the payload is not JSON (" + good.error().message() +
           "); a text is written with its quotes: '\"text\"'";
  return {};
}

// Lines of a file, in transactions of their own.
class line_enqueuer {
 public:
  line_enqueuer(const enqueue_options& o, store_session& store, int fd)
      : options_(o), store_(store), reader_(fd, max_task_line_bytes) {}

  exit_code run() {
    while (true) {
      auto line = reader_.next();
      if (!line) {
        send();
        write_stderr(fmt::format("tidewire queue enqueue: {}: line {} can't be read: {}\n",
                                 escape_terminal(options_.from), lines_ + 1,
                                 line.error().message()));
        return exit_code::disk;
      }
      if (*line) take(std::move(**line));
      bool enough = tasks_.size() >= lines_at_once || bytes_ >= bytes_at_once;
      if (!*line || enough || !reader_.ready()) send();
      if (!*line || stopped_) break;
    }
    if (!options_.quiet && !options_.common.json)
      write_stderr(fmt::format("{} queued, {} of them were there already, {} rejected\n", queued_,
                               duplicates_, rejected_));
    return code_;
  }

 private:
  void take(record_reader::record line) {
    ++lines_;
    if (!line.too_long && line.text.find_first_not_of(" \t\r") == line.text.npos) return;
    read_task read;
    if (line.too_long)
      read.fault = fmt::format("longer than {} bytes", max_task_line_bytes);
    else
      read = parse_task_line(line.text, options_.task);
    if (!read.task) {
      reject(std::move(read.fault));
      return;
    }
    bytes_ += line.text.size();
    numbers_.push_back(lines_);
    tasks_.push_back(std::move(*read.task));
  }

  void reject(std::string why) {
    enqueue_receipt r;
    r.line = lines_;
    r.what = enqueue_receipt::state::rejected;
    r.reason = std::move(why);
    show(r);
  }

  void send() {
    if (tasks_.empty()) return;
    auto answer = store_.enqueue(std::exchange(tasks_, {}));
    auto numbers = std::exchange(numbers_, {});
    bytes_ = 0;
    if (answer) {
      for (std::size_t i = 0; i < numbers.size(); ++i) show(receipt_of(numbers[i], (*answer)[i]));
      return;
    }
    // What comes behind would fail, too: its lines are left for another run.
    stopped_ = true;
    for (auto n : numbers) {
      enqueue_receipt r;
      r.line = n;
      r.what = enqueue_receipt::state::unknown;
      r.reason = answer.error().message();
      show(r);
    }
    code_ = exit_code_of_store(answer.error());
    write_stderr(fmt::format(
        "tidewire queue enqueue: the store failed: {}. {} Nothing behind line {} was read. Tasks "
        "with a \"name\" can be enqueued again without harm.\n",
        escape_terminal(answer.error().message()), advice_for_store(answer.error()), lines_));
  }

  void show(const enqueue_receipt& r) {
    bool good = r.what == enqueue_receipt::state::queued;
    queued_ += good ? 1 : 0;
    duplicates_ += r.duplicate ? 1 : 0;
    rejected_ += r.what == enqueue_receipt::state::rejected ? 1 : 0;
    if (r.what == enqueue_receipt::state::rejected && code_ == exit_code::ok)
      code_ = exit_code::refused;
    if (options_.common.json) {
      write_stdout(receipt_json(r) + "\n");
    } else if (!good) {
      write_stderr(receipt_text(r) + "\n");
    } else if (!options_.quiet) {
      write_stdout(receipt_text(r) + "\n");
    }
  }

  const enqueue_options& options_;
  store_session& store_;
  record_reader reader_;
  std::vector<queue::new_task> tasks_;
  std::vector<std::size_t> numbers_;
  std::size_t lines_ = 0, bytes_ = 0, queued_ = 0, duplicates_ = 0, rejected_ = 0;
  exit_code code_ = exit_code::ok;
  bool stopped_ = false;
};

exit_code enqueue_lines(const enqueue_options& o) {
  int fd = o.from == "-" ? STDIN_FILENO : ::open(o.from.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail_queue(name, exit_code::usage,
                      fmt::format("--from: {}: {}", escape_terminal(o.from), std::strerror(errno)));
  auto code = exit_code::ok;
  if (auto store = open_session(name, o.common, when_missing::make, code))
    code = line_enqueuer(o, *store, fd).run();
  if (fd != STDIN_FILENO) ::close(fd);
  return code;
}

exit_code enqueue_one(const enqueue_options& o) {
  auto code = exit_code::ok;
  auto store = open_session(name, o.common, when_missing::make, code);
  if (!store) return code;
  std::vector<queue::new_task> one{o.task};
  one.front().payload = o.payload;
  auto answer = store->enqueue(std::move(one));
  if (!answer) {
    write_stderr("The task may be in the store all the same: enqueue it again under a --name.\n");
    return fail_store(name, answer.error());
  }
  auto r = receipt_of(0, answer->front());
  bool good = r.what == enqueue_receipt::state::queued;
  if (o.common.json) write_stdout(receipt_json(r) + "\n");
  if (!good) return fail_queue(name, exit_code::refused, receipt_text(r));
  if (!o.common.json && !o.quiet) write_stdout(receipt_text(r) + "\n");
  return exit_code::ok;
}

exit_code run(enqueue_options& o) {
  auto wrong = complete(o);
  if (!wrong.empty()) return usage(wrong);
  if (o.from.empty()) {
    wrong = check_one(o);
    return wrong.empty() ? enqueue_one(o) : usage(wrong);
  }
  if (!o.payload.empty()) return usage("give a payload or --from, not both");
  if (!o.task.name.empty() || !o.task.unique_key.empty())
    return usage("--name and --unique-key would make one task of all lines; write them there");
  return enqueue_lines(o);
}

constexpr auto footer =
    "Examples:\n"
    "  tidewire queue enqueue --store sqlite:tasks.db --kind mail '{\"to\":\"ann@example.org\"}'\n"
    "  tidewire queue enqueue --store sqlite:tasks.db --kind mail --delay 10m --name welcome-7\n"
    "  tidewire queue enqueue --store sqlite:tasks.db --from tasks.ndjson\n"
    "\n"
    "A line of --from is an object: {\"kind\":\"mail\",\"payload\":{...},\"delay\":\"10m\"}, with\n"
    "the names of the options, with _ in place of -; options hold for lines that don't say.\n"
    "A line that can't be taken is told with its number, and the others are taken.\n"
    "\n"
    "Exit codes: 0 everything is in the store; 2 wrong command line, nothing was enqueued; 3 the\n"
    "store is locked or out of reach; 4 tasks were rejected; 8 the disk failed; 10 not a store.";

}  // namespace

void add_queue_enqueue(CLI::App& group, action& chosen) {
  auto o = std::make_shared<enqueue_options>();
  auto* c = group.add_subcommand(name, "Add a task, or one for each line of a file");
  add_queue_options(*c, o->common);
  c->add_option("payload", o->payload, "JSON text for the handler (default: none)")
      ->type_name("PAYLOAD");
  c->add_option("--from", o->from, "Take tasks from lines of JSON; - is standard input")
      ->type_name("FILE");
  c->add_option("--kind", o->task.kind, "Which handler runs it")->type_name("KIND");
  add_choice(*c, "--priority", o->priority, {"high", "medium", "low"},
             "The lane (default: medium)");
  c->add_option("--delay", o->delay, "Not before this time has passed")->type_name("TIME");
  c->add_option("--name", o->task.name, "An id of yours: taken once among all kept tasks")
      ->type_name("NAME");
  c->add_option("--unique-key", o->task.unique_key, "Taken once among the tasks not ended")
      ->type_name("KEY");
  c->add_option("--batch", o->task.batch, "What it belongs to, to list and count by")
      ->type_name("BATCH");
  c->add_option("--max-attempts", o->max_attempts, "Starts in all (default: 3)")
      ->type_name("N")
      ->check(CLI::Range(1u, queue::task_bounds::attempts));
  c->add_option("--timeout", o->timeout, "Of an attempt (default: 30s)")->type_name("TIME");
  c->add_option("--retry-delay", o->retry_delay,
                "After the first failure; it doubles (default: 1s)")
      ->type_name("TIME");
  c->add_option("--metadata", o->task.metadata, "A JSON object for people and events")
      ->type_name("JSON");
  c->add_option("--depends-on", o->depends_on,
                "Wait until this task is done: an id or a name; may be repeated")
      ->type_name("TASK")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_flag("-q,--quiet", o->quiet, "No receipts but of what was not taken");
  c->footer(footer);
  c->callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

}  // namespace tidewire::cli
