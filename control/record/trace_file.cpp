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

size_t TraceFile::frame(const CallSite& site) {
    const auto frame = frames_.try_emplace({site.module, site.offset}, frames_.size() + 1, site).first;
    return frame->second.first;
}

void TraceFile::finish(const Json& other) {
    Json frames = Json::object();
    for (const auto& [place, frame] : frames_) {
        const auto& [index, site] = frame;
        const std::string symbol = site.ours ? symbol_of(site.module, site.offset) : "";
        frames[std::to_string(index)] = {
            {"category", site.module.empty() ? "unknown" : printable(base_name(site.module))},
            {"name", symbol.empty() ? printable(site_text(site.module, site.offset)) : symbol}};
    }
    constexpr auto replace = Json::error_handler_t::replace;
    write("\n],\n\"stackFrames\":" + frames.dump(-1, ' ', false, replace) +
          ",\n\"otherData\":" + other.dump(-1, ' ', false, replace) + "}\n");
    check(std::fflush(file_.get()) == 0);
}

}  // namespace interrupt::control
