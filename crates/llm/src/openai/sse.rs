//! Server-sent events, as much of them as chat providers use: the `data` of each event.

use crate::Error;

/// The longest line, and the longest event, that is kept in memory: 1 MiB.
const MAX_BYTES: usize = 1 << 20;

/// Cuts a byte stream into events, wherever the network cut it: inside a character, a line ending or a line.
#[derive(Default)]
pub(super) struct Parser {
    buffer: Vec<u8>,
    /// Where the line being read starts in `buffer`.
    start: usize,
    /// How far `buffer` was searched for a line ending, so that a long line is not searched again and again.
    scanned: usize,
    data: Vec<u8>,
    has_data: bool,
    /// The last line ended with CR, so a LF that follows belongs to it.
    after_cr: bool,
}

impl Parser {
    /// Takes the next bytes off the network.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next complete event, if all of it has arrived.
    ///
    /// # Errors
    /// [`Error::Malformed`] when a line or an event is too long.
    pub(super) fn next_event(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while let Some(end) = self.line_end() {
            let line = self.start..end;
            self.start = end + 1;
            self.scanned = self.start;
            if let Some(event) = self.line(line)? {
                return Ok(Some(event));
            }
        }
        if self.buffer.len() - self.start > MAX_BYTES {
            return Err(too_long());
        }
        Ok(None)
    }

    /// What is left when the connection has ended. A last event without its blank line still counts: some servers
    /// close right after it.
    pub(super) fn finish(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.push(b"\n\n");
        self.next_event()
    }

    fn line_end(&mut self) -> Option<usize> {
        if self.after_cr && self.buffer.get(self.start) == Some(&b'\n') {
            self.start += 1;
            self.scanned = self.start;
        }
        if self.start < self.buffer.len() {
            self.after_cr = false;
        }
        let found = self.buffer[self.scanned..]
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'));
        match found {
            Some(offset) => {
                let end = self.scanned + offset;
                self.after_cr = self.buffer[end] == b'\r';
                Some(end)
            }
            None => {
                self.scanned = self.buffer.len();
                None
            }
        }
    }

    /// Reads one line; an empty one ends the event.
    fn line(&mut self, range: std::ops::Range<usize>) -> Result<Option<Vec<u8>>, Error> {
        let line = &self.buffer[range];
        if line.is_empty() {
            let complete = std::mem::take(&mut self.has_data);
            return Ok(complete.then(|| std::mem::take(&mut self.data)));
        }
        // A byte order mark may precede the first line. Other fields (`event`, `id`, `retry`) and comments say
        // nothing that a chat provider's data does not.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if let Some(value) = line.strip_prefix(b"data") {
            let Some(value) = value.strip_prefix(b":") else {
                return Ok(None);
            };
            let value = value.strip_prefix(b" ").unwrap_or(value);
            if self.data.len() + value.len() > MAX_BYTES {
                return Err(too_long());
            }
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
            self.has_data = true;
        }
        Ok(None)
    }
}

fn too_long() -> Error {
    Error::Malformed("a line of the stream is longer than 1 MiB".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        for piece in pieces {
            parser.push(piece);
            while let Some(event) = parser.next_event().unwrap() {
                found.push(String::from_utf8(event).unwrap());
            }
        }
        if let Some(event) = parser.finish().unwrap() {
            found.push(String::from_utf8(event).unwrap());
        }
        found
    }

    const STREAM: &str = ": hello\n\ndata: {\"a\":1}\n\nevent: x\r\ndata: grüße 🎉\r\n\r\ndata:first\ndata: second\n\n\
                          id: 7\rdata: mac\r\rdata\n\ndata: \n\nretry: 5\n\ndata: [DONE]\n\n";
    const WANT: [&str; 6] = ["{\"a\":1}", "grüße 🎉", "first\nsecond", "mac", "", "[DONE]"];

    #[test]
    fn reads_every_line_ending_comments_and_several_data_lines() {
        assert_eq!(events(&[STREAM.as_bytes()]), WANT);
    }

    #[test]
    fn is_the_same_however_the_network_cuts_it() {
        let bytes = STREAM.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(events(&pieces), WANT, "cut at {first} and {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&single), WANT);
    }

    #[test]
    fn an_event_without_its_blank_line_counts_when_the_connection_ends() {
        assert_eq!(events(&[b"data: one\n\ndata: two"]), ["one", "two"]);
        assert_eq!(events(&[b"\xef\xbb\xbfdata: one\n\n"]), ["one"]);
        assert!(events(&[b"", b"\n\n\n", b"event: nothing"]).is_empty());
    }

    #[test]
    fn a_line_without_end_is_refused_and_memory_stays_bounded() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 64 << 10];
        let refused = (0..64).find(|_| {
            parser.push(&piece);
            parser.next_event().is_err()
        });
        assert_eq!(refused, Some(16));
    }

    #[test]
    fn an_event_of_too_many_lines_is_refused() {
        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(64 << 10));
        let refused = (0..64).any(|_| {
            parser.push(line.as_bytes());
            parser.next_event().is_err()
        });
        assert!(refused);
    }
}
