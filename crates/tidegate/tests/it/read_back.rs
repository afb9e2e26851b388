//! Reads exported files back, cell by cell: what the database's own client prints is what readers
//! that are not ours must find, in every format, from every source.

mod cell;
mod check;
mod client;
mod masks;
mod moment;
mod options;
mod relations;
mod rule;
mod shapes;
mod spreadsheet;
mod texts;
mod types;
mod zones;
