// Where in a program a call stands, for people.
#pragma once

#include <cstdint>
#include <string>

namespace interrupt::control {

std::string base_name(const std::string& path);

// "module+0x1234": the return address of a call, as an offset in its module, bytes. Without a module (its path) the
// address alone.
std::string site_text(const std::string& module, uint64_t offset);

// Function, file and line of a place in a program, as addr2line(1) knows them: "read_reply at net.c:120". Empty if it
// does not, or is not installed.
std::string symbol_of(const std::string& module, uint64_t offset);

}  // namespace interrupt::control
