#include "control/watch/screen.h"

#define NCURSES_WIDECHAR 1
#include <ncurses.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "control/failure.h"

#undef erase  // ncurses' macros are in the way of Key's names

namespace interrupt::control {
namespace {

constexpr short pair_pending = 1;
constexpr short pair_stopped = 2;
constexpr short pair_outside = 3;

attr_t attributes_of(Style style, bool colours) {
    const auto coloured = [colours](short pair, attr_t otherwise) {
        return colours ? static_cast<attr_t>(COLOR_PAIR(pair)) : otherwise;
    };
    switch (style) {
        case Style::plain:
            return A_NORMAL;
        case Style::title:
        case Style::heading:
            return A_BOLD;
        case Style::chosen:
            return A_REVERSE;
        case Style::pending:
            return coloured(pair_pending, A_BOLD);
        case Style::outside:
            return coloured(pair_outside, A_DIM);
        case Style::stopped:
            return coloured(pair_stopped, A_BOLD);
        case Style::message:
            return A_NORMAL;
        case Style::warning:
            return coloured(pair_stopped, A_BOLD);
    }
    return A_NORMAL;
}

std::optional<Key> key_of(int code, wint_t c) {
    if (code == KEY_CODE_YES) {
        switch (c) {
            case KEY_UP:
                return Key{Key::up};
            case KEY_DOWN:
                return Key{Key::down};
            case KEY_PPAGE:
                return Key{Key::page_up};
            case KEY_NPAGE:
                return Key{Key::page_down};
            case KEY_HOME:
                return Key{Key::home};
            case KEY_END:
                return Key{Key::end};
            case KEY_LEFT:
                return Key{Key::left};
            case KEY_RIGHT:
                return Key{Key::right};
            case KEY_ENTER:
                return Key{Key::enter};
            case KEY_BACKSPACE:
                return Key{Key::erase};
            default:
                return std::nullopt;
        }
    }
    switch (c) {
        case '\r':
        case '\n':
            return Key{Key::enter};
        case '\b':
        case 0x7f:
            return Key{Key::erase};
        case 0x1b:
            return Key{Key::escape};
        default:
            return Key{Key::character, static_cast<char32_t>(c)};
    }
}

}  // namespace

Screen::Screen() {
    if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO)) {
        throw Failure(Status::usage,
                      "watch needs a terminal, to draw on and to read keys from. `watch --once` prints it once.");
    }
    ::set_escdelay(25);
    SCREEN* const terminal = ::newterm(nullptr, stdout, stdin);
    if (!terminal) {
        const char* type = std::getenv("TERM");
        throw Failure(Status::usage, text("the terminal's type, TERM=", type ? printable(type) : "",
                                          ", is not known here. `watch --once` prints it once."));
    }
    terminal_ = terminal;
    ::cbreak();
    ::noecho();
    ::nonl();
    ::keypad(stdscr, TRUE);
    ::nodelay(stdscr, TRUE);
    ::curs_set(0);
    const char* no_color = std::getenv("NO_COLOR");
    colours_ = (!no_color || !*no_color) && ::has_colors() && ::start_color() == OK;
    if (colours_) {
        ::use_default_colors();
        ::init_pair(pair_pending, COLOR_YELLOW, -1);
        ::init_pair(pair_stopped, COLOR_RED, -1);
        ::init_pair(pair_outside, COLOR_CYAN, -1);
    }
}

Screen::~Screen() {
    ::endwin();
    ::delscreen(static_cast<SCREEN*>(terminal_));
}

size_t Screen::width() const {
    return static_cast<size_t>(std::max(getmaxx(stdscr), 1));
}

size_t Screen::height() const {
    return static_cast<size_t>(std::max(getmaxy(stdscr), 1));
}

void Screen::show(const std::vector<Line>& lines) {
    ::werase(stdscr);
    // ncurses reads beside its memory when it draws the last corner of a screen that is one column wide.
    const size_t count = width() > 1 ? lines.size() : 0;
    for (size_t i = 0; i < count; ++i) {
        ::attrset(static_cast<int>(attributes_of(lines[i].style, colours_)));
        mvaddstr(static_cast<int>(i), 0, lines[i].text.c_str());
    }
    ::attrset(A_NORMAL);
    ::refresh();
}

bool Screen::wait(uint64_t ns) const {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    const int ready = ::ppoll(&input, 1, &time, nullptr);
    return ready <= 0 || (input.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

std::optional<Screen::Pressed> Screen::pressed() {
    wint_t c = 0;
    int code;
    while ((code = ::get_wch(&c)) != ERR) {
        if (code == KEY_CODE_YES && c == KEY_RESIZE) {
            return Pressed{{}, true};
        }
        if (const auto key = key_of(code, c)) {
            return Pressed{*key, false};
        }
    }
    return std::nullopt;
}

}  // namespace interrupt::control
