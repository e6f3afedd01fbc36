// A file in the trace event format, as JSON: what chrome://tracing and ui.perfetto.dev open. Written as it comes, so
// that a recording takes no memory: the list of events, then what is only known at the end.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "control/record/caller_map.h"
#include "control/report.h"

namespace interrupt::control {

// Times and durations in the file are microseconds, with fractions.
inline double microseconds(uint64_t ns) {
    return static_cast<double>(ns) / 1000;
}

class TraceFile {
public:
    // `path`: "-" is standard output.
    explicit TraceFile(const std::string& path) : path_(path) {}

    // Throws Failure if the file cannot be written, or cannot take it.
    void add(const Json& event);

    // The call site as the index of a stack frame, which finish() writes down.
    size_t frame(const CallSite& site);

    // Ends the file. `other`: what is said about the whole. Throws Failure if it could not all be written.
    void finish(const Json& other);

    // It could not be written: what it is about is not to blame.
    bool failed() const { return failed_; }

private:
    void write(const std::string& bytes);
    void check(bool written);

    struct Close {
        void operator()(FILE* file) const {
            if (file != stdout) {
                std::fclose(file);
            }
        }
    };
    std::string path_;
    std::unique_ptr<FILE, Close> file_;
    bool first_ = true;
    bool failed_ = false;
    std::map<std::pair<std::string, uint64_t>, std::pair<size_t, CallSite>> frames_;  // by module and offset
};

}  // namespace interrupt::control
