// A list as it is watched: its rows, which of them are seen, in which order, and which one is chosen. Nothing here
// knows a terminal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace interrupt::control {

enum class Style { plain, title, heading, chosen, pending, outside, stopped, message, warning };

struct Line {
    std::string text;  // exactly as wide as the screen
    Style style = Style::plain;
};

struct Column {
    std::string title;
    int rank;     // when it is narrow, the columns with the highest go first
    size_t most;  // cells
};

struct Cell {
    std::string text;
    int64_t number = 0;  // by which it is sorted before the text is
};

struct Row {
    pid_t id = 0;
    std::vector<Cell> cells;  // one for each column
    Style style = Style::plain;
};

class List {
public:
    explicit List(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // The row that was chosen stays so, wherever it is now; if it is gone, the one in its place.
    void set_rows(std::vector<Row> rows);
    size_t size() const { return rows_.size(); }
    size_t seen() const { return order_.size(); }
    const Row* chosen() const { return order_.empty() ? nullptr : &rows_[order_[at_]]; }

    // By so many rows, as far as there are any.
    void move(long rows);
    void page(int pages) { move(pages * static_cast<long>(page_)); }

    // Rows that have this in one of their cells, in upper or lower case; empty: all.
    void filter(const std::string& words);
    const std::string& filter() const { return filter_; }

    void sort_by_next();
    void reverse();
    std::string sorted_by() const;

    // The titles and as many rows as fit.
    std::vector<Line> draw(size_t width, size_t height);

private:
    void arrange(pid_t chosen);
    std::vector<size_t> columns_that_fit(size_t width) const;
    std::string line(const std::vector<size_t>& columns, const std::vector<std::string>& cells, size_t width) const;

    std::vector<Column> columns_;
    std::vector<Row> rows_;
    std::vector<size_t> widths_;  // of columns
    std::vector<size_t> order_;   // indexes of the rows that are seen
    size_t at_ = 0;               // which of them is chosen
    size_t top_ = 0;              // which of them is drawn first
    size_t page_ = 1;
    size_t sort_ = 0;
    bool reversed_ = false;
    std::string filter_;
};

}  // namespace interrupt::control
