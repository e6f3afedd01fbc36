#include "control/record/trace_file.h"

#include <cerrno>
#include <cstring>

#include "control/call_site.h"

namespace interrupt::control {

// The file is opened late: one that is there already is not touched before there is something to record.
void TraceFile::write(const std::string& bytes) {
    if (!file_) {
        file_.reset(path_ == "-" ? stdout : std::fopen(path_.c_str(), "we"));
        if (!file_) {
            failed_ = true;
            throw Failure(Status::not_permitted,
                          text("`", printable(path_), "` cannot be written: ", std::strerror(errno), "."));
        }
        write("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    }
    check(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size());
}

void TraceFile::check(bool written) {
    if (!written) {
        failed_ = true;
        throw Failure(Status::not_permitted, text(path_ == "-" ? "standard output" : "`" + printable(path_) + "`",
                                                  " cannot take the whole recording: ", std::strerror(errno), "."));
    }
}

void TraceFile::add(const Json& event) {
    write((first_ ? "" : ",\n") + event.dump(-1, ' ', false, Json::error_handler_t::replace));
    first_ = false;
}

size_t TraceFile::frame(const std::string& module, uint64_t offset) {
    return frames_.try_emplace({module, offset}, frames_.size() + 1).first->second;
}

void TraceFile::finish(const Json& other) {
    Json frames = Json::object();
    for (const auto& [place, index] : frames_) {
        const auto& [module, offset] = place;
        const std::string symbol = symbol_of(module, offset);
        const std::string site = site_text(module, offset);
        frames[std::to_string(index)] = {{"category", module.empty() ? "unknown" : printable(base_name(module))},
                                         {"name", symbol.empty() ? site : symbol}};
    }
    constexpr auto replace = Json::error_handler_t::replace;
    write("\n],\n\"stackFrames\":" + frames.dump(-1, ' ', false, replace) +
          ",\n\"otherData\":" + other.dump(-1, ' ', false, replace) + "}\n");
    check(std::fflush(file_.get()) == 0);
}

}  // namespace interrupt::control
