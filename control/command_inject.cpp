// interruptctl inject: rules for a process that runs.

#include <iostream>

#include "control/commands.h"
#include "control/injections.h"
#include "control/report.h"

namespace interrupt::control {
namespace {

void print_list(pid_t pid, const std::vector<RuleView>& rules, bool json) {
    if (json) {
        print_json(rules_json(pid, rules));
        return;
    }
    Columns columns({"NUMBER", "MET", "ACTED", "RULE"});
    for (const RuleView& rule : rules) {
        columns.row({text(rule.number), text(rule.met), text(rule.acted), rule.text});
    }
    columns.print();
}

}  // namespace

Status inject_command(const InjectOptions& options) {
    const int choices = !options.rules.empty() + options.list + options.clear;
    if (choices > 1 && !(options.clear && !options.list)) {
        throw Failure(Status::usage, "give rules, or --list, or --clear.");
    }
    if (choices == 0) {
        throw Failure(Status::usage, "give a rule, such as recv:errno:ECONNRESET:when=3, or --list, or --clear.");
    }
    std::vector<InjectionText> rules;
    std::vector<uint32_t> numbers;
    for (const std::string& word : options.rules) {
        if (options.clear) {
            numbers.push_back(static_cast<uint32_t>(parse_id(word, "rule")));
        } else {
            rules.push_back(read_injection("inject", word));
        }
    }
    const pid_t pid = parse_id(options.pid, "process");
    const Process process(pid);
    TableFile table(process);
    if (options.clear) {
        const size_t cleared = clear_injections(wait_for_rules(process, table), process, table, numbers);
        if (!options.json) {
            std::cout << cleared << (cleared == 1 ? " rule taken away\n" : " rules taken away\n");
            return Status::done;
        }
    }
    for (const InjectionText& rule : rules) {
        const uint32_t number = add_injection(wait_for_rules(process, table), process, table, rule);
        if (!options.json) {
            std::cout << "rule " << number << " is in force: " << printable(rule.text) << '\n';
        }
    }
    if (options.list || options.json) {
        print_list(pid, list_injections(table), options.json);
    }
    return Status::done;
}

}  // namespace interrupt::control
