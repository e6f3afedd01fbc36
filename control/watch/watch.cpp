#include "control/watch/watch.h"

#include <ctime>

#include "control/watch/rows.h"
#include "control/watch/text.h"

namespace interrupt::control {
namespace {

constexpr uint64_t millisecond = 1'000'000;
constexpr size_t threads_at_once = 200;
constexpr size_t processes_at_once = 20;

constexpr const char* help[] = {"up down j k      choose",
                                "PgUp PgDn g G    choose further away",
                                "Enter            the threads of the process",
                                "Esc, left        back to the processes",
                                "i                interrupt the thread",
                                "o                with which outcome",
                                "c                clear what is pending for it",
                                "/                only lines that have these words",
                                "s r              sort by the next column, reverse",
                                "q                quit"};

// It was the process that went away, and not something that is to be told to whoever started the command.
bool has_gone(const OpenProcess& process) {
    try {
        return !process.current();
    } catch (const Failure&) {
        return true;
    }
}

}  // namespace

Watch::Watch(std::optional<pid_t> pid, uint64_t interval)
    : interval_(interval), processes_(process_columns()), threads_(thread_columns()) {
    if (pid) {
        open(*pid);
    }
}

Watch::~Watch() {
    if (!action_ || !action_->round) {
        return;
    }
    try {  // nothing stays behind
        action_->round->give_up();
        finish(*action_->round);
    } catch (const Failure&) {
        // Its process has ended.
    }
}

void Watch::open(pid_t pid) {
    auto process = std::make_shared<OpenProcess>(pid);
    command_ = process->process.command();
    threads_.set_rows({});
    threads_.filter("");
    process_ = std::move(process);
    thread_scan_.reset();
    next_scan_ = 0;
}

void Watch::back() {
    thread_scan_.reset();
    process_.reset();
    process_scan_.reset();
    next_scan_ = 0;
    mode_ = mode_ == Mode::confirm ? Mode::list : mode_;
}

// What goes wrong is told in the last line.
void Watch::try_to(const std::function<void()>& what) {
    try {
        what();
    } catch (const Failure& failure) {
        message_ = failure.what();
        warning_ = true;
        changed_ = true;
    }
}

void Watch::key(const Key& key) {
    changed_ = true;
    if (mode_ == Mode::filter || mode_ == Mode::outcome) {
        prompt_key(key);
        return;
    }
    message_.clear();
    if (mode_ == Mode::help) {
        mode_ = Mode::list;
        return;
    }
    if (mode_ == Mode::confirm) {
        mode_ = Mode::list;
        if (key.code == Key::character && (key.c == 'y' || key.c == 'Y')) {
            try_to([this] { act(false); });
        }
        return;
    }
    constexpr long far = 1'000'000'000;
    switch (key.code) {
        case Key::up:
            return list().move(-1);
        case Key::down:
            return list().move(1);
        case Key::page_up:
            return list().page(-1);
        case Key::page_down:
            return list().page(1);
        case Key::home:
            return list().move(-far);
        case Key::end:
            return list().move(far);
        case Key::left:
        case Key::escape:
        case Key::erase:
            return process_ ? back() : void();
        case Key::right:
        case Key::enter:
            if (!process_ && list().chosen()) {
                try_to([this] { open(list().chosen()->id); });
            }
            return;
        case Key::character:
            return list_key(key.c);
    }
}

void Watch::list_key(char32_t c) {
    switch (c) {
        case 'q':
            over_ = true;
            return;
        case 'j':
            return list().move(1);
        case 'k':
            return list().move(-1);
        case ' ':
            return list().page(1);
        case 'g':
            return key({Key::home});
        case 'G':
            return key({Key::end});
        case 's':
            return list().sort_by_next();
        case 'r':
            return list().reverse();
        case '?':
            mode_ = Mode::help;
            return;
        case '/':
            mode_ = Mode::filter;
            input_ = list().filter();
            return;
        case 'o':
            mode_ = Mode::outcome;
            input_.clear();
            return;
        case 'i':
        case 'c':
            if (!process_ || !list().chosen()) {
                message_ = process_ ? "There is no thread." : "Enter goes to the threads of a process.";
            } else if (action_) {
                message_ = "The request before is still out.";
            } else if (meant_ = list().chosen()->id; c == 'i') {
                mode_ = Mode::confirm;
            } else {
                try_to([this] { act(true); });
            }
            return;
        default:
            message_ = "? is help.";
    }
}

void Watch::prompt_key(const Key& key) {
    if (key.code == Key::escape) {
        mode_ = Mode::list;
    } else if (key.code == Key::erase) {
        input_ = without_last(input_);
    } else if (key.code == Key::character && key.c >= 0x20) {
        input_ += to_utf8(key.c);
    } else if (key.code == Key::enter) {
        try_to([this] {
            if (mode_ == Mode::outcome) {
                outcome_ = input_.empty() ? outcome_ : (parse_outcome(input_), input_);
            } else {
                list().filter(input_);
            }
            message_.clear();
            mode_ = Mode::list;
        });
    }
}

void Watch::act(bool clear) {
    Action action;
    action.process = process_;
    action.tid = meant_;
    const ThreadView thread = find_thread(process_->process, process_->table, meant_);
    if (clear) {
        action.clearing = std::make_unique<Clearing>(process_->process, process_->table, thread);
    } else {
        action.order.wanted = parse_outcome(outcome_);
        action.round = make_round(process_->process, process_->table, {thread}, action.order);
    }
    action_ = std::move(action);
}

void Watch::follow(uint64_t now) {
    warning_ = false;
    try {
        if (action_->round && action_->round->step(now)) {
            const InterruptResult result = action_->round->results().front();
            warning_ = result.status != Status::done;
            message_ = text(action_->tid, " ", sentence(result, action_->process->table, action_->order));
        } else if (action_->clearing && action_->clearing->step(now)) {
            const std::string cleared = action_->clearing->cleared();
            message_ = text(action_->tid, cleared.empty() ? " had nothing pending" : " cleared: ", cleared);
        } else {
            return;
        }
    } catch (const Failure& failure) {
        message_ = failure.what();
        warning_ = true;
    }
    action_.reset();
    next_scan_ = 0;
    changed_ = true;
}

uint64_t Watch::work(uint64_t now) {
    if (action_) {
        follow(now);
    }
    if (now >= next_scan_) {
        try {
            scan(now);
        } catch (const Failure& failure) {
            if (!process_) {
                throw;
            }
            message_ = has_gone(*process_) ? text("process ", process_->process.pid(), " has ended.") : failure.what();
            warning_ = true;
            back();
            changed_ = true;
        }
    }
    const uint64_t scanned = now >= next_scan_ ? 0 : next_scan_ - now;
    return action_ ? std::min(scanned, action_->round ? action_->round->pause() : millisecond) : scanned;
}

void Watch::scan(uint64_t now) {
    if (process_) {
        if (!thread_scan_) {
            if (!process_->current()) {
                throw Failure(Status::not_found, text("process ", process_->process.pid(), " has called exec."));
            }
            thread_scan_ = std::make_unique<ThreadScan>(process_->process, process_->table);
        }
        if (!thread_scan_->step(threads_at_once, now)) {
            next_scan_ = now;
            return;
        }
        threads_.set_rows(rows_of(thread_scan_->take()));
        thread_scan_.reset();
    } else {
        if (!process_scan_) {
            process_scan_ = std::make_unique<ProcessScan>(::geteuid() == 0);
        }
        if (!process_scan_->step(processes_at_once)) {
            next_scan_ = now;
            return;
        }
        processes_.set_rows(rows_of(process_scan_->entries()));
        process_scan_.reset();
    }
    next_scan_ = now + interval_;
    changed_ = true;
}

void Watch::look() {
    next_scan_ = 0;
    do {
        scan(monotonic_now());
        const timespec moment{0, 100'000};
        next_scan_ > monotonic_now() ? 0 : ::nanosleep(&moment, nullptr);
    } while (thread_scan_ || process_scan_);
}

std::string Watch::headline() const {
    const List& list = process_ ? threads_ : processes_;
    const std::string count = list.seen() == list.size() ? text(list.size()) : text(list.seen(), " of ", list.size());
    const std::string what = process_ ? text("process ", process_->process.pid(), ": ", count, " threads")
                                      : text(count, " processes under the shim");
    return text(what, ", by ", list.sorted_by(), list.filter().empty() ? "" : text(", with `", list.filter(), "`"),
                process_ ? text("  ", command_) : "");
}

std::string Watch::last_line() const {
    switch (mode_) {
        case Mode::filter:
            return text("/", input_);
        case Mode::outcome:
            return text("outcome (", outcome_, "): ", input_, message_.empty() ? "" : "  ", message_);
        case Mode::confirm:
            return text("interrupt ", meant_, " with ", outcome_, "? y n");
        case Mode::help:
            return "any key";
        case Mode::list:
            break;
    }
    if (!message_.empty()) {
        return message_;
    }
    if (action_) {
        return action_->round ? text("interrupting ", action_->tid, " ...") : text("clearing ", action_->tid, " ...");
    }
    return process_ ? text("i interrupt (", outcome_, ")  o outcome  c clear  / filter  ? help  q quit")
                    : "Enter threads  / filter  ? help  q quit";
}

std::vector<Line> Watch::draw(size_t width, size_t height) {
    changed_ = false;
    std::vector<Line> lines;
    if (height > 2) {
        lines.push_back({fit(headline(), width), Style::title});
    }
    const size_t rows = height - lines.size() - (height > 1 ? 1 : 0);
    if (mode_ == Mode::help) {
        for (size_t i = 0; i < std::min(rows, std::size(help)); ++i) {
            lines.push_back({fit(help[i], width)});
        }
    } else if (height == 1 && mode_ != Mode::list) {
        return {{fit(last_line(), width), Style::message}};
    } else {
        for (Line& line : list().draw(width, rows)) {
            lines.push_back(std::move(line));
        }
    }
    if (height > 1) {
        lines.resize(height - 1, {std::string(width, ' ')});
        lines.push_back({fit(last_line(), width), warning_ && !message_.empty() ? Style::warning : Style::message});
    }
    return lines;
}

}  // namespace interrupt::control
