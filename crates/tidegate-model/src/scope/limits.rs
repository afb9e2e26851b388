//! How large a scope may be.

/// Levels of `all`, `any` and `not`, one in another: more than a person reads, and few enough for
/// the schema of the API to spell out.
pub const FILTER_DEPTH_MAX: usize = 8;
/// Conditions of a filter; with the words of a search below SQLite's 1,000 terms of an expression.
pub const FILTER_CONDITIONS_MAX: usize = 300;
/// Values of a filter in all, those of lists counted one by one.
pub const FILTER_VALUES_MAX: usize = 10_000;
/// Characters of a text that is compared or sought.
pub const TEXT_CHARACTERS_MAX: usize = 4_096;
/// Digits of a decimal number: PostgreSQL declares at most 1,000.
pub const DECIMAL_DIGITS_MAX: usize = 1_000;
/// Significant digits that survive in a JSON number, which is read as an IEEE 754 double.
pub const NUMBER_DIGITS_EXACT: usize = 15;
/// Keys in `ids` and in `except_ids`, as the contract has it.
pub const IDS_MAX: usize = 10_000;
/// Fields of a key: an index of MySQL has at most 16 columns.
pub const KEY_FIELDS_MAX: usize = 16;
/// Characters of a free text search.
pub const SEARCH_CHARACTERS_MAX: usize = 200;
/// Words of a free text search; each is sought in every searchable field.
pub const SEARCH_WORDS_MAX: usize = 10;
/// Searchable fields of a subject.
pub const SEARCH_FIELDS_MAX: usize = 20;
/// Fields that records are sorted by, without the key that breaks ties.
pub const SORT_FIELDS_MAX: usize = 16;
/// Longest relative date, in years: the calendar of every source goes that far both ways.
pub const SPAN_YEARS_MAX: u32 = 1_000;
