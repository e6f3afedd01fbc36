// What is watched and what is done about it: the list of processes or the threads of one, what the keys do, and the
// requests that they make. It knows no terminal: whoever has one gives it keys and time, and draws its lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/chosen_threads.h"
#include "control/interruption_round.h"
#include "control/open_process.h"
#include "control/process_list.h"
#include "control/watch/list.h"

namespace interrupt::control {

struct Key {
    enum Code { character, up, down, page_up, page_down, home, end, left, right, enter, erase, escape };
    Code code = character;
    char32_t c = 0;
};

class Watch {
public:
    // `interval` in ns, between two looks. Throws Failure if that process cannot be watched.
    Watch(std::optional<pid_t> pid, uint64_t interval);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void key(const Key& key);
    // Does some of what is to be done, for a few milliseconds at most, and says in how many ns there is more.
    uint64_t work(uint64_t now);
    // Looks at everything, to the end.
    void look();
    bool over() const { return over_; }
    // Whether it looks otherwise than when it was drawn last.
    bool changed() const { return changed_; }
    // As many lines as the screen has, or fewer, each as wide as it.
    std::vector<Line> draw(size_t width, size_t height);

private:
    enum class Mode { list, filter, outcome, confirm, help };
    // A request that is out, or what is pending being taken back.
    struct Action {
        std::shared_ptr<OpenProcess> process;
        pid_t tid = 0;
        Order order;
        std::unique_ptr<Round> round;
        std::unique_ptr<Clearing> clearing;
    };

    List& list() { return process_ ? threads_ : processes_; }
    void list_key(char32_t c);
    void prompt_key(const Key& key);
    void open(pid_t pid);
    void back();
    void scan(uint64_t now);
    void act(bool clear);
    void follow(uint64_t now);
    void try_to(const std::function<void()>& what);
    std::string headline() const;
    std::string last_line() const;

    const uint64_t interval_;
    List processes_;
    List threads_;
    std::shared_ptr<OpenProcess> process_;
    std::string command_;
    std::unique_ptr<ProcessScan> process_scan_;
    std::unique_ptr<ThreadScan> thread_scan_;
    uint64_t next_scan_ = 0;
    std::optional<Action> action_;
    Mode mode_ = Mode::list;
    std::string input_;
    std::string outcome_ = "default";
    pid_t meant_ = 0;  // the thread that is to be confirmed
    std::string message_;
    bool warning_ = false;
    bool over_ = false;
    bool changed_ = true;
};

}  // namespace interrupt::control
