// What doctor finds: facts in order, each under a name for programs and a title for people, and a verdict over them.
#pragma once

#include <string>
#include <vector>

#include "control/failure.h"
#include "control/report.h"

namespace interrupt::control {

class Findings {
public:
    void fact(const std::string& name, const std::string& title, const Json& value);
    // The first problem decides the verdict; a sentence.
    void problem(const std::string& sentence);
    // Something to know that does not stand in the way; a sentence.
    void note(const std::string& sentence);

    bool good() const { return problems_.empty(); }
    // `subject` goes into the verdict: "process 4242 can be interrupted".
    Status report(const std::string& subject, const std::string& good, const std::string& bad, bool json) const;

private:
    struct Fact {
        std::string name;
        std::string title;
        Json value;
    };
    std::vector<Fact> facts_;
    std::vector<std::string> problems_;
    std::vector<std::string> notes_;
};

void examine_process(pid_t pid, Findings& findings);
void examine_program(const std::string& name, Findings& findings);
void examine_system(Findings& findings);

}  // namespace interrupt::control
