//! A sheet: CSV as RFC 4180 has it, UTF-8, every cell in quotes, no cell a formula.
//!
//! <https://www.rfc-editor.org/rfc/rfc4180>

use std::io::{self, Read, Write};

use csv::{ByteRecord, QuoteStyle, ReaderBuilder, Terminator, WriterBuilder};

use crate::cell::{Cell, defused, plain};

/// Writes rows.
pub struct Sheet<W: Write>(csv::Writer<W>);

impl<W: Write> Sheet<W> {
    /// Of these columns, whose names become the first row.
    pub fn new(out: W, names: &[&str]) -> io::Result<Self> {
        let mut sheet = Self(writer(out));
        let names: Vec<Cell> = names.iter().map(|name| Cell::Text((*name).to_owned())).collect();
        sheet.row(&names)?;
        Ok(sheet)
    }

    /// One whose first row is written already.
    pub fn more(out: W) -> Self {
        Self(writer(out))
    }

    /// Writes one row, and hands it on.
    pub fn row_and_flush(&mut self, cells: &[Cell]) -> io::Result<()> {
        self.row(cells)?;
        self.flush()
    }

    /// Writes one row.
    pub fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        for cell in cells {
            let text = cell.plain();
            self.0.write_field(defused(&text).as_bytes())?;
        }
        self.0.write_record(None::<&[u8]>).map_err(io::Error::from)
    }

    /// Hands on what is not written yet.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn writer<W: Write>(out: W) -> csv::Writer<W> {
    WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(out)
}

/// Why a file is not one that [`Sheet`] wrote.
#[derive(Debug, thiserror::Error)]
pub enum NotASheet {
    /// A cell is not one of those.
    #[error(
        "the cell in row {row}, column {column} {problem}: this file was not written by an export, or changed since"
    )]
    Cell {
        /// Its row, the first one is 1.
        row: u64,
        /// Its column, the first one is 1.
        column: usize,
        /// What is wrong, in words that follow the cell.
        problem: &'static str,
    },
    /// It is no CSV.
    #[error("it is no CSV of equally long rows")]
    Csv(#[source] csv::Error),
    /// What was read could not be written.
    #[error("it could not be written on")]
    Io(#[from] io::Error),
}

/// Copies a sheet with every cell as it was before it was kept from being a formula. What comes out is for programs: **a
/// spreadsheet would evaluate it**.
pub fn restore(from: impl Read, to: impl Write) -> Result<(), NotASheet> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(from);
    let mut writer = writer(to);
    let mut cells = ByteRecord::new();
    let mut row = 0;
    while reader.read_byte_record(&mut cells).map_err(NotASheet::Csv)? {
        row += 1;
        for (at, bytes) in cells.iter().enumerate() {
            let wrong = |problem| NotASheet::Cell {
                row,
                column: at + 1,
                problem,
            };
            let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
            let text = plain(text).map_err(wrong)?;
            writer.write_field(text).map_err(written)?;
        }
        writer.write_record(None::<&[u8]>).map_err(written)?;
    }
    Ok(writer.flush()?)
}

fn written(err: csv::Error) -> NotASheet {
    NotASheet::Io(err.into())
}

#[cfg(test)]
mod tests;
