//! A sheet: CSV as RFC 4180 has it, UTF-8, every cell in quotes, no cell a formula.
//!
//! <https://www.rfc-editor.org/rfc/rfc4180>

use std::io::{self, BufReader, Read, Write};

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::Table;
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
        self.0.write_record(None::<&[u8]>).map_err(io_error)
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
    /// The first row has other names than those of a table, or there is none.
    #[error("its first row has not the names of an export of proposals, nor of records")]
    Head,
    /// This row, of which the first one is 1, has more or fewer cells than there are names.
    #[error(
        "row {0} has not as many cells as there are names: this file was not written by an export, or changed since"
    )]
    Row(u64),
    /// It could not be read.
    #[error("it could not be read on")]
    Read(#[source] io::Error),
    /// What was read could not be written.
    #[error("it could not be written on")]
    Write(#[source] io::Error),
}

/// Copies the sheet of a table with every cell as it was before it was kept from being a formula. What comes out is for
/// programs: **a spreadsheet would evaluate it**.
pub fn restore(from: impl Read, to: impl Write) -> Result<(), NotASheet> {
    copy(&[Table::Proposals, Table::Records].map(Table::names), from, to)
}

/// Copies a sheet whose first row is one of these.
fn copy(heads: &[Vec<&'static str>], from: impl Read, to: impl Write) -> Result<(), NotASheet> {
    let mut cells = Cells::of(from);
    let mut writer = writer(to);
    let mut names = 0;
    while let Some(row) = cells.row()? {
        if cells.row == 1 {
            let head = heads.iter().find(|head| row == **head);
            names = head.ok_or(NotASheet::Head)?.len();
        }
        if row.len() != names {
            return Err(NotASheet::Row(cells.row));
        }
        for cell in &row {
            writer.write_field(cell).map_err(written)?;
        }
        writer.write_record(None::<&[u8]>).map_err(written)?;
    }
    if cells.row == 0 {
        return Err(NotASheet::Head);
    }
    writer.flush().map_err(NotASheet::Write)
}

fn written(err: csv::Error) -> NotASheet {
    NotASheet::Write(io_error(err))
}

/// What went wrong while writing, with its kind: whoever reads along may have gone.
fn io_error(err: csv::Error) -> io::Error {
    match err.into_kind() {
        csv::ErrorKind::Io(err) => err,
        other => io::Error::other(format!("{other:?}")),
    }
}

const CUT: &str = "is where the file was cut";

/// The cells that [`Sheet`] writes, and nothing else. A reader of any CSV would take a file that was cut within a cell, or that
/// has no cell in quotes at all, and make whole rows of it.
struct Cells<R> {
    bytes: io::Bytes<BufReader<R>>,
    /// The row that was read last or is being read, the first one is 1.
    row: u64,
}

impl<R: Read> Cells<R> {
    fn of(from: R) -> Self {
        Self {
            bytes: BufReader::with_capacity(1 << 16, from).bytes(),
            row: 0,
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, NotASheet> {
        self.bytes.next().transpose().map_err(NotASheet::Read)
    }

    /// The next row, each cell as it was; none at the end of the file.
    fn row(&mut self) -> Result<Option<Vec<String>>, NotASheet> {
        let Some(first) = self.byte()? else {
            return Ok(None);
        };
        self.row += 1;
        let (mut row, mut next) = (Vec::new(), Some(first));
        loop {
            let column = row.len() + 1;
            let number = self.row;
            let wrong = |problem| NotASheet::Cell {
                row: number,
                column,
                problem,
            };
            match next {
                Some(b'"') => {}
                Some(_) => return Err(wrong("is not in quotes")),
                None => return Err(wrong(CUT)),
            }
            let (bytes, behind) = self.rest_of_cell()?;
            let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
            let over = match behind {
                Some(b',') => false,
                Some(b'\r') if self.byte()? == Some(b'\n') => true,
                Some(_) => return Err(wrong("is followed by neither a comma nor CR LF")),
                None => return Err(wrong(CUT)),
            };
            row.push(plain(&text).map_err(wrong)?);
            if over {
                return Ok(Some(row));
            }
            next = self.byte()?;
        }
    }

    /// What stands in a cell behind its first quote, and the byte behind its last one; none where the file ends.
    fn rest_of_cell(&mut self) -> Result<(Vec<u8>, Option<u8>), NotASheet> {
        let mut cell = Vec::new();
        while let Some(byte) = self.byte()? {
            if byte != b'"' {
                cell.push(byte);
                continue;
            }
            match self.byte()? {
                Some(b'"') => cell.push(b'"'),
                behind => return Ok((cell, behind)),
            }
        }
        Ok((cell, None))
    }
}

#[cfg(test)]
mod tests;
