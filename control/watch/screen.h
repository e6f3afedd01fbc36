// The terminal, by ncurses, and nothing else: it shows lines and reads keys, and gives the terminal back as it was,
// however the command ends.
#pragma once

#include <optional>
#include <vector>

#include "control/watch/watch.h"

namespace interrupt::control {

class Screen {
public:
    // Throws Failure if this is no terminal, or one that ncurses does not know.
    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    size_t width() const;
    size_t height() const;
    void show(const std::vector<Line>& lines);
    // Waits that long for a key, a signal or another size at most. False when the terminal has gone away.
    bool wait(uint64_t ns) const;
    // The next one that was pressed; nothing if none was. `resized` if the size has changed instead.
    struct Pressed {
        Key key;
        bool resized = false;
    };
    std::optional<Pressed> pressed();

private:
    void* terminal_;  // ncurses' SCREEN
    bool colours_;
};

}  // namespace interrupt::control
