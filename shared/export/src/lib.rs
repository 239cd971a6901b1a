//! The trail as rows, for people who ask what was decided, by whom and why: one row a proposal, or one a record.
//!
//! | wants | here |
//! | --- | --- |
//! | the rows of a span of time, as they come | [`rows`] |
//! | which of them | [`Filter`] |
//! | what stands in which column | [`proposals::COLUMNS`], [`records::COLUMNS`] |
//! | to write them for a spreadsheet in which no cell is a formula | [`Sheet`] |
//! | to have the cells of such a file as they were | [`restore`], [`cell::plain`] |
//!
//! What a row says is a pure function of records: [`proposals::Case`] and [`records::Told`]. Only [`rows`] reads, through the
//! port [`domain::ports::Trail`], hour by hour, and holds no more of the trail than is being read.

pub mod cell;
mod filter;
mod kept;
pub mod proposals;
pub mod records;
mod rows;
mod sheet;

pub use self::filter::Filter;
pub use self::rows::{Found, Table, rows};
pub use self::sheet::{NotASheet, Sheet, restore};

/// One column of a table.
pub struct Column<T> {
    /// Its name, in the first row. It does not change.
    pub name: &'static str,
    /// What stands in it, in words.
    pub holds: &'static str,
    /// What stands in it, of one of them.
    pub of: fn(&T) -> cell::Cell,
}

impl<T> Column<T> {
    const fn new(name: &'static str, holds: &'static str, of: fn(&T) -> cell::Cell) -> Self {
        Self { name, holds, of }
    }
}
