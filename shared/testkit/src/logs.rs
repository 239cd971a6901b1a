//! What one test logs.
//!
//! A subscriber that is set for one thread at a time is no safe way: what a callsite is interested in is remembered for the
//! whole process, and another test's thread, which has none, may be asked first. So a binary sets one for good, which writes
//! [`here`], and a test keeps what its own thread wrote meanwhile.

use std::cell::RefCell;
use std::io;

thread_local! {
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to what this thread keeps, if it keeps anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Here;

/// The writer for the subscriber of a whole binary.
pub fn here() -> Here {
    Here
}

impl io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.with_borrow_mut(|kept| {
            if let Some(kept) = kept {
                kept.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on what this thread logs is kept.
pub fn keep() {
    KEPT.set(Some(Vec::new()));
}

/// What this thread has logged since [`keep`].
pub fn kept() -> String {
    String::from_utf8(KEPT.take().unwrap_or_default()).unwrap()
}
