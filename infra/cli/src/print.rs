//! Text for a terminal: what came from outside cannot steer it.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use domain::telling::{Line, story};
pub(crate) use domain::telling::{count, duration};
use domain::trail::Actor;
use domain::value::is_dangerous;
pub(crate) use domain::value::visible;
use serde::Serialize;

/// The longest text from outside that is shown in full, characters. `--json` has all of it.
const MAX_QUOTE: usize = 400;

/// Where a command prints: what it is asked for, and what is wrong.
pub(crate) struct Terminal<'a> {
    out: Box<dyn Write + 'a>,
    /// Where what is wrong goes; with the rest where there is nothing else.
    err: Option<Box<dyn Write + 'a>>,
}

impl<'a> Terminal<'a> {
    /// The process's standard output, and its standard error for what is wrong.
    pub(crate) fn standard() -> Self {
        Self {
            out: Box::new(io::stdout()),
            err: Some(Box::new(io::stderr())),
        }
    }

    fn only(out: impl Write + 'a) -> Self {
        Self {
            out: Box::new(out),
            err: None,
        }
    }

    /// A buffer, in tests.
    #[cfg(test)]
    pub(crate) fn buffer(buffer: &'a mut Vec<u8>) -> Self {
        Self::only(buffer)
    }

    /// Two buffers, in tests: for what is asked for, and for what is wrong.
    #[cfg(test)]
    pub(crate) fn apart(out: &'a mut Vec<u8>, err: &'a mut Vec<u8>) -> Self {
        Self {
            out: Box::new(out),
            err: Some(Box::new(err)),
        }
    }

    /// What is written out later.
    pub(crate) fn lines_into(buffer: &'a mut Vec<u8>) -> Self {
        Self::only(buffer)
    }

    /// What nobody reads any more, in tests.
    #[cfg(test)]
    pub(crate) fn unread() -> Self {
        Self::broken(io::ErrorKind::BrokenPipe)
    }

    /// What cannot be written to, in tests.
    #[cfg(test)]
    pub(crate) fn broken(how: io::ErrorKind) -> Self {
        Self::only(tests::Broken(how))
    }

    /// Prints one line, in which every dangerous character is made visible, line breaks too.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.raw(&visible(text))
    }

    /// Prints one line that says what is wrong, as [`Terminal::line`] does: to standard error.
    pub(crate) fn fault(&mut self, text: &str) -> io::Result<()> {
        let line = format!("{}\n", visible(text));
        let out = self.err.as_mut().unwrap_or(&mut self.out);
        written(out, line.as_bytes()).map(|_| ())
    }

    /// Prints one line of the domain's telling.
    pub(crate) fn told(&mut self, line: &Line) -> io::Result<()> {
        self.line(&told(line))
    }

    /// Prints a value as one line of JSON. What is dangerous on a terminal is escaped as JSON escapes it,
    /// so that a reader gets the very same value.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.raw(&json_line(value)?)?)
    }

    /// Prints values as [`Terminal::json`] does, all at once. Returns whether anybody still reads.
    pub(crate) fn json_lines(&mut self, values: &[impl Serialize]) -> anyhow::Result<bool> {
        let mut text = String::new();
        for value in values {
            text.push_str(&json_line(value)?);
            text.push('\n');
        }
        Ok(self.write(&text)?)
    }

    /// Prints lines as [`Terminal::line`] does, all at once. Returns whether anybody still reads.
    pub(crate) fn lines(&mut self, lines: &[String]) -> io::Result<bool> {
        let text: String = lines.iter().map(|line| format!("{}\n", visible(line))).collect();
        self.write(&text)
    }

    /// Writes bytes as they are: for whoever made them safe. Returns whether anybody still reads.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.write_bytes(bytes)
    }

    /// Prints a question, and leaves its line to whoever answers.
    pub(crate) fn question(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{} ", visible(text))).map(|_| ())
    }

    fn raw(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n")).map(|_| ())
    }

    /// Writes a text as it is. Returns whether anybody still reads.
    fn write(&mut self, text: &str) -> io::Result<bool> {
        self.write_bytes(text.as_bytes())
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<bool> {
        written(&mut self.out, bytes)
    }
}

fn written(out: &mut dyn Write, bytes: &[u8]) -> io::Result<bool> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // Whoever read along, such as `head`, has seen enough.
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(err) => Err(io::Error::new(err.kind(), Unwritten(err))),
        Ok(()) => Ok(true),
    }
}

/// What is to be printed cannot be written, such as to a full disk: nothing that is asked or looked at is the cause.
#[derive(Debug)]
pub(crate) struct Unwritten(io::Error);

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what is to be printed cannot be written: {}", self.0)
    }
}

impl Error for Unwritten {}

impl Unwritten {
    /// Whether an error is of this sort.
    pub(crate) fn is(err: &io::Error) -> bool {
        err.get_ref().is_some_and(|cause| cause.is::<Unwritten>())
    }
}

/// The beginning of a text from outside, visible, and how much is left out.
pub(crate) fn quote(text: &str) -> String {
    quote_within(text, MAX_QUOTE)
}

/// As [`quote`], with another limit.
pub(crate) fn quote_within(text: &str, most: usize) -> String {
    let left_out = text.chars().count().saturating_sub(most);
    let start: String = text.chars().take(most).collect();
    match left_out {
        0 => visible(&start),
        _ => format!("{}… ({left_out} more characters)", visible(&start)),
    }
}

/// A line of the domain's telling: what is theirs is quoted.
pub(crate) fn told(line: &Line) -> String {
    line.render(quote, |at| at.to_string())
}

/// Who it was: `the agent`, `Ada (ada) in slack`.
pub(crate) fn actor(actor: &Actor) -> String {
    told(&story::actor(actor))
}

fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    if json.is_ascii() && !json.contains('\u{7f}') {
        // JSON itself escapes the control characters below that one.
        return Ok(json);
    }
    Ok(escaped(&json, |unit| format!("\\u{unit:04x}")))
}

/// JSON text with every dangerous character as one or two UTF-16 escapes. They occur in strings only.
fn escaped(json: &str, escape: impl Fn(u16) -> String) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_dangerous(c) {
            let mut units = [0; 2];
            text.extend(c.encode_utf16(&mut units).iter().map(|unit| escape(*unit)));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const HOSTILE: &str =
        "\u{1b}]0;owned\u{7}\u{9b}31m\r\nok\u{202e}txt.exe\u{2066}\u{200b}\u{7f}\u{e0041} → é 🚀 \\u{1b}";

    /// A pipe whose other end was closed, or a full disk.
    pub(super) struct Broken(pub(super) io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        expect![[
            r#"\u{1b}]0;owned\u{7}\u{9b}31m\u{d}\u{a}ok\u{202e}txt.exe\u{2066}\u{200b}\u{7f}\u{e0041} → é 🚀 \u{1b}"#
        ]]
        .assert_eq(&visible(HOSTILE));
    }

    #[test]
    fn json_is_as_safe_and_reads_back_unchanged() {
        let mut buffer = Vec::new();
        Terminal::buffer(&mut buffer).json(&HOSTILE).unwrap();
        let line = String::from_utf8(buffer).unwrap();
        let shown = line.strip_suffix('\n').unwrap();
        assert!(!shown.chars().any(is_dangerous), "{shown}");
        assert_eq!(serde_json::from_str::<String>(shown).unwrap(), HOSTILE);
    }

    #[test]
    fn many_values_are_as_many_lines_until_nobody_reads() {
        let mut buffer = Vec::new();
        let lines = ["plain\n", "\u{7f}", HOSTILE];
        assert!(Terminal::buffer(&mut buffer).json_lines(&lines).unwrap());
        let text = String::from_utf8(buffer).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && is_dangerous(c)), "{text}");
        let read: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, lines);

        assert!(!Terminal::unread().json_lines(&lines).unwrap());
        assert!(!Terminal::unread().lines(&[HOSTILE.to_owned()]).unwrap());
        Terminal::unread().line(HOSTILE).unwrap();
    }

    #[test]
    fn lines_and_questions_are_as_safe_as_a_line() {
        let mut buffer = Vec::new();
        let mut terminal = Terminal::buffer(&mut buffer);
        assert!(terminal.lines(&["one\n".to_owned(), HOSTILE.to_owned()]).unwrap());
        terminal.question(HOSTILE).unwrap();
        drop(terminal);
        let text = String::from_utf8(buffer).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        let hostile = visible(HOSTILE);
        assert_eq!(lines, ["one\\u{a}", hostile.as_str(), &format!("{hostile} ")]);
    }

    #[test]
    fn what_is_wrong_goes_elsewhere_and_is_as_safe() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut terminal = Terminal::apart(&mut out, &mut err);
        terminal.line("fine").unwrap();
        terminal.fault(HOSTILE).unwrap();
        drop(terminal);
        assert_eq!(String::from_utf8(out).unwrap(), "fine\n");
        assert_eq!(String::from_utf8(err).unwrap(), format!("{}\n", visible(HOSTILE)));
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(quote_within("abcdef", 4), "abcd… (2 more characters)");
        assert_eq!(quote_within("äöüß", 4), "äöüß");
    }
}
