// interruptctl watch: the loop between the terminal and what is watched.

#include <clocale>
#include <csignal>
#include <iostream>

#include "control/commands.h"
#include "control/stop_signals.h"
#include "control/watch/screen.h"

namespace interrupt::control {
namespace {

// The window may take long to be drawn on, but a key is never waited for longer than this.
constexpr uint64_t at_most = 1'000'000'000;

void print_once(Watch& watch) {
    watch.look();
    constexpr size_t wide = 1000;
    constexpr size_t high = 1'000'000;
    std::vector<Line> lines = watch.draw(wide, high);
    lines.pop_back();  // what the keys do
    size_t last = 0;
    for (Line& line : lines) {
        line.text.erase(line.text.find_last_not_of(' ') + 1);
        last = line.text.empty() ? last : static_cast<size_t>(&line - lines.data()) + 1;
    }
    for (size_t i = 0; i < last; ++i) {
        std::cout << lines[i].text << '\n';
    }
}

void run(Watch& watch) {
    Screen screen;
    while (!watch.over() && !StopSignals::came()) {
        const uint64_t pause = watch.work(monotonic_now());
        if (watch.changed()) {
            screen.show(watch.draw(screen.width(), screen.height()));
        }
        if (!screen.wait(std::min(pause, at_most))) {
            return;
        }
        while (const auto pressed = screen.pressed()) {
            if (pressed->resized) {
                screen.show(watch.draw(screen.width(), screen.height()));
            } else {
                watch.key(pressed->key);
            }
        }
    }
}

}  // namespace

Status watch_command(const WatchOptions& options) {
    const uint64_t interval = parse_timeout(options.interval);
    if (interval < 10'000'000) {
        throw Failure(Status::usage, "--interval is 0.01 at least.");
    }
    std::setlocale(LC_CTYPE, "");
    Watch watch(options.pid.empty() ? std::nullopt : std::optional(parse_id(options.pid, "process")), interval);
    if (options.once) {
        print_once(watch);
        return Status::done;
    }
    {
        const StopSignals stop_signals;  // ncurses leaves what is caught alone
        run(watch);
    }
    if (StopSignals::came() && StopSignals::came() != SIGINT) {
        ::raise(StopSignals::came());
    }
    return Status::done;
}

}  // namespace interrupt::control
